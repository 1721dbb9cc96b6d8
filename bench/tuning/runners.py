"""Who trains the folds of a search: a worker process per thread, stopped when the search is."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType

from bench.records.schema import CurvePoint
from bench.running.task import FoldOutcome, FoldTask
from bench.running.worker_process import WorkerProcess
from bench.tuning.objective import RunFold

MakeRunner = Callable[[threading.Event], AbstractContextManager[RunFold]]
"""Given the event that stops the search: a context that yields a fold runner for one thread."""


class ProcessRunner:
    """A :class:`WorkerProcess` as a fold runner; a context manager that ends the process."""

    def __init__(self, stop: threading.Event, threads: int = 1) -> None:
        self._stop = stop
        self._worker = WorkerProcess(threads)

    def __enter__(self) -> "ProcessRunner":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.close()

    def __call__(self, task: FoldTask, timeout_s: float | None) -> FoldOutcome:
        """Train one fold in the worker process."""
        return self._worker.run(task, _unheard, timeout_s, self._stop)


def side_by_side(jobs: Sequence[Callable[[], None]], stop: threading.Event) -> None:
    """Run each job in a thread of its own; Ctrl-C sets ``stop`` and waits until all have told what they must.

    Raises:
        BaseException: the first that a job raised, or KeyboardInterrupt.
    """
    errors: list[BaseException] = []

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=guarded, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)  # a join without limit would not let Ctrl-C through
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]


def _unheard(point: CurvePoint) -> None:
    del point
