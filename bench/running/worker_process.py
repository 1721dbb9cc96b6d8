"""A persistent worker: a process of its own that trains folds, one at a time, and dies with its parent."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from bench.errors import ProcessError
from bench.gates import GATES
from bench.processes.servant import Servant
from bench.records.schema import CurvePoint
from bench.running.process_state import changed, process_state
from bench.running.sources import is_users_own
from bench.running.task import FoldOutcome, FoldTask
from bench.running.worker import run_fold

logger = logging.getLogger(__name__)


class FoldTrainer:
    """What lives in the worker's process."""

    def __init__(self) -> None:
        # Its import writes variables of the environment, which is no doing of a gate that needs it.
        import sklearn  # noqa: F401

    def run(self, task: FoldTask, on_epoch: Callable[[CurvePoint], None]) -> FoldOutcome:
        """See :func:`run_fold`."""
        before = process_state()
        outcome = run_fold(task, on_epoch)
        return replace(outcome, changed=changed(before))


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
        if task.model not in GATES:
            if self._guest is not None and not self.is_kept_for(task.model):
                self.close()
            self._guest = task.model if is_users_own(task.variant) else None
        try:
            outcome = self.begin(FoldTrainer.run, task, on_epoch).wait(timeout_s, stop)
        except ProcessError as error:
            reason = f"took longer than {timeout_s:g} s (--cell-timeout)" if error.cause == "timeout" else str(error)
            return FoldOutcome(None, cause=error.cause, reason=reason)
        if outcome.changed:
            what = ", ".join(outcome.changed)
            logger.warning("model %s: changed its process for others (%s), which is not used again", task.model, what)
            self.close()
        return outcome
