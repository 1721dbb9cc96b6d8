"""The local engine: worker processes on this machine, each driven by a thread of its own."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.processes.side_by_side import Waiting, side_by_side
from bench.records.schema import TRANSIENT_CAUSES, CurvePoint
from bench.running.engine import Listener
from bench.running.plan import Cell
from bench.running.task import FoldOutcome
from bench.running.worker_process import WorkerProcess, may_share

ATTEMPTS = 2
"""A cell that failed by its circumstances (other than its time) is tried this often in all, in a fresh process. That
takes seconds to start, so not where it would meet the same."""


@dataclass
class LocalEngine:
    """Runs up to ``workers`` processes side by side; see :data:`bench.running.engine.Engine`.

    Attributes:
        workers: processes alive at once.
        threads: intra-op threads of each.
        timeout_s: longest time for one cell; None = no limit.
        together: cells of the project's own networks that one process trains side by side on an accelerator.
    """

    workers: int
    threads: int = 1
    timeout_s: float | None = None
    together: int = 1
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _idle: list[WorkerProcess] = field(default_factory=list, repr=False)

    def __call__(self, cells: Sequence[Cell], listener: Listener) -> None:
        """Execute ``cells``; returns when each has ended.

        Raises:
            BaseException: what the listener raised, or KeyboardInterrupt; all workers are gone by then.
        """
        stop = threading.Event()
        waiting = Waiting(cells, stop)
        drivers = min(self.workers, len(cells))
        try:
            side_by_side([lambda: self._drive(waiting, listener, stop)] * drivers, stop)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def worker(self) -> Iterator[WorkerProcess]:
        """A worker for as long as it is needed: a warm one, where one is idle."""
        with self._lock:
            worker = self._idle.pop() if self._idle else WorkerProcess(self.threads)
        try:
            yield worker
        except BaseException:
            worker.close()
            raise
        with self._lock:
            self._idle.append(worker)

    def close(self) -> None:
        """End the workers, which are kept for the next cells until then."""
        while self._idle:
            self._idle.pop().close()

    def _drive(self, waiting: Waiting[Cell], listener: Listener, stop: threading.Event) -> None:
        with self.worker() as worker:
            for cell in waiting.preferring(lambda cell: worker.is_kept_for(cell.task.model)):
                others = self.together - 1 if may_share(cell.task) else 0
                self._run(worker, [cell, *waiting.more(others, lambda one: may_share(one.task))], listener, stop)

    def _run(
        self, worker: WorkerProcess, asked: Sequence[Cell], listener: Listener, stop: threading.Event, attempt: int = 1
    ) -> None:
        """Train cells side by side, and those that failed by their circumstances once more, each by itself."""
        cells, again, failed = list(asked), [], False
        if attempt == 1:
            with self._lock:
                cells = [cell for cell in asked if listener.cell_started(cell)]

        def told(place: int, point: CurvePoint) -> None:
            with self._lock:
                listener.epoch_ended(cells[place], point)

        def ended(place: int, outcome: FoldOutcome) -> None:
            nonlocal failed
            worth_it = outcome.cause in TRANSIENT_CAUSES and not outcome.in_any_process
            failed |= worth_it
            if stop.is_set() and outcome.predictions is None:
                return
            if worth_it and outcome.cause != "timeout" and attempt < ATTEMPTS:
                again.append(cells[place])
                return
            with self._lock:
                listener.cell_ended(cells[place], outcome, attempt)

        if cells and not stop.is_set():
            worker.run_together([cell.task for cell in cells], told, ended, self.timeout_s, stop)
        if failed:
            worker.close()
        for cell in again:
            self._run(worker, [cell], listener, stop, attempt + 1)
