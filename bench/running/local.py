"""The local engine: worker processes on this machine, each driven by a thread of its own."""

import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from bench.processes.side_by_side import Waiting, side_by_side
from bench.records.schema import TRANSIENT_CAUSES, CurvePoint
from bench.running.engine import Listener
from bench.running.plan import Cell
from bench.running.task import FoldOutcome
from bench.running.worker_process import WorkerProcess

ATTEMPTS = 2
"""A cell that failed by its circumstances (other than its time) is tried this often in all, in a fresh process. That
takes seconds to start, so not where it would meet the same."""


@dataclass
class LocalEngine:
    """Runs up to ``workers`` cells side by side; see :data:`bench.running.engine.Engine`.

    Attributes:
        workers: processes alive at once.
        threads: intra-op threads of each.
        timeout_s: longest time for one cell; None = no limit.
    """

    workers: int
    threads: int = 1
    timeout_s: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self, cells: Sequence[Cell], listener: Listener) -> None:
        """Execute ``cells``; returns when each has ended.

        Raises:
            BaseException: what the listener raised, or KeyboardInterrupt; all workers are gone by then.
        """
        stop = threading.Event()
        waiting = Waiting(cells, stop)
        drivers = min(self.workers, len(cells))
        side_by_side([lambda: self._drive(waiting, listener, stop)] * drivers, stop)

    def _drive(self, waiting: Waiting[Cell], listener: Listener, stop: threading.Event) -> None:
        with closing(WorkerProcess(self.threads)) as worker:
            for cell in waiting.preferring(lambda cell: worker.is_kept_for(cell.task.model)):
                self._run(worker, cell, listener, stop)

    def _run(self, worker: WorkerProcess, cell: Cell, listener: Listener, stop: threading.Event) -> None:
        with self._lock:
            if not listener.cell_started(cell):
                return

        def told(point: CurvePoint) -> None:
            with self._lock:
                listener.epoch_ended(cell, point)

        outcome = FoldOutcome(None)
        attempts = 0
        while attempts < ATTEMPTS and not stop.is_set():
            attempts += 1
            outcome = worker.run(cell.task, told, self.timeout_s, stop)
            if outcome.cause not in TRANSIENT_CAUSES or outcome.in_any_process:
                break
            worker.close()
            if outcome.cause == "timeout":
                break
        if stop.is_set() and outcome.predictions is None:
            return
        with self._lock:
            listener.cell_ended(cell, outcome, attempts)
