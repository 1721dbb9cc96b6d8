"""Who trains the folds of a search: a worker process per thread, stopped when the search is."""

import threading
from collections.abc import Callable
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


def _unheard(point: CurvePoint) -> None:
    del point
