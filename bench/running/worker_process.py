"""A persistent worker: a process of its own that trains folds, and dies with its parent."""

import logging
import threading
from collections.abc import Callable, Sequence

from bench.errors import ProcessError
from bench.gates import GATES
from bench.processes.servant import Servant
from bench.records.schema import CurvePoint
from bench.running.process_state import changed, process_state
from bench.running.sources import is_users_own
from bench.running.task import FoldOutcome, FoldTask
from bench.running.worker import run_folds

logger = logging.getLogger(__name__)


class FoldTrainer:
    """What lives in the worker's process."""

    def __init__(self) -> None:
        # Its import writes variables of the environment, which is no doing of a gate that needs it.
        import sklearn  # noqa: F401

    def run(
        self,
        tasks: Sequence[FoldTask],
        on_epoch: Callable[[int, CurvePoint], None],
        on_end: Callable[[int, FoldOutcome], None],
    ) -> tuple[str, ...]:
        """See :func:`run_folds`; what the networks left otherwise in the process, by name."""
        if tasks[0].variant.device.startswith("cuda"):
            from bench.training.precision import compute_alike

            compute_alike()
        before = process_state()
        run_folds(tasks, on_epoch, on_end)
        return changed(before)


class WorkerProcess(Servant[FoldTrainer]):
    """The parent's end. Not thread-safe: one thread drives one worker, and closes it.

    A process in which a user's own network was trained trains no other network: what its code has changed there,
    torch's own functions for example, no comparison of states would find. Gates, which do not know torch, may come in.
    """

    def __init__(self, threads: int = 1) -> None:
        super().__init__(FoldTrainer, threads)
        self._guest: str | None = None

    def is_kept_for(self, model: str) -> bool:
        """Whether the process is one that only this network may use: its cells are best trained here, one by one."""
        return self._guest == model

    def run(
        self,
        task: FoldTask,
        on_epoch: Callable[[CurvePoint], None],
        timeout_s: float | None = None,
        stop: threading.Event | None = None,
    ) -> FoldOutcome:
        """Train one fold in the child; a child that does not start, dies or takes too long becomes a failed outcome.

        What ``on_epoch`` raises ends the fold (the child is stopped) and passes through; so does ``stop``, as an
        outcome with cause ``killed``. The next call starts a fresh child where the last one is gone.
        """
        outcomes: list[FoldOutcome] = []
        self.run_together(
            [task], lambda _, point: on_epoch(point), lambda _, outcome: outcomes.append(outcome), timeout_s, stop
        )
        return outcomes[0]

    def run_together(
        self,
        tasks: Sequence[FoldTask],
        on_epoch: Callable[[int, CurvePoint], None],
        on_end: Callable[[int, FoldOutcome], None],
        timeout_s: float | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        """Train folds side by side; as :meth:`run`, each outcome told with the place of its task as it comes.

        Several tasks are networks of the project's own on one accelerator (:func:`may_share`).
        """
        if tasks[0].model not in GATES:
            if self._guest is not None and not self.is_kept_for(tasks[0].model):
                self.close()
            self._guest = tasks[0].model if is_users_own(tasks[0].variant) else None
        waiting = dict(enumerate(tasks))

        def ended(place: int, outcome: FoldOutcome) -> None:
            del waiting[place]
            on_end(place, outcome)

        try:
            found = self.begin(FoldTrainer.run, tasks, on_epoch, ended).wait(timeout_s, stop)
        except ProcessError as error:
            reason = f"took longer than {timeout_s:g} s (--cell-timeout)" if error.cause == "timeout" else str(error)
            for place in list(waiting):
                ended(place, FoldOutcome(None, cause=error.cause, reason=reason))
            return
        if found:
            names = ", ".join(dict.fromkeys(task.model for task in tasks))
            what = ", ".join(found)
            logger.warning("model %s: changed its process for others (%s), which is not used again", names, what)
            self.close()


def may_share(task: FoldTask) -> bool:
    """Whether others may train in the same process meanwhile: on CUDA, and where the code is the project's own."""
    return task.model not in GATES and task.variant.device.startswith("cuda") and not is_users_own(task.variant)
