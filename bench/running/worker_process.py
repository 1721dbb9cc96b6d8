"""A persistent worker: a process of its own that trains folds, one at a time, and dies with its parent.

Both ends are this file: the parent drives :class:`WorkerProcess`, the child runs ``python -m`` on this module.
"""

import sys
import threading
import time
from collections.abc import Callable

from bench.processes.child import ChildProcess, Messages, serve
from bench.records.schema import CurvePoint
from bench.running.task import FoldOutcome, FoldTask


class WorkerProcess:
    """The parent's end. Not thread-safe: one thread drives one worker."""

    def __init__(self, threads: int = 1) -> None:
        self._child = ChildProcess("bench.running.worker_process", threads)

    @property
    def pid(self) -> int | None:
        """Process number of the child, once started."""
        return self._child.pid

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
        try:
            connection = self._child.started()
        except OSError as error:  # no memory or no process number left, say
            return FoldOutcome(None, cause="killed", reason=f"no worker process could be started ({error})")
        try:
            connection.send(task)
            return self._listen(connection, on_epoch, timeout_s, stop)
        except (EOFError, ConnectionError):
            return FoldOutcome(None, cause="killed", reason=self._child.why_it_ended())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the child, if there is one."""
        self._child.close()

    def _listen(
        self,
        connection: Messages,
        on_epoch: Callable[[CurvePoint], None],
        timeout_s: float | None,
        stop: threading.Event | None,
    ) -> FoldOutcome:
        deadline = time.monotonic() + timeout_s if timeout_s is not None else None
        while True:
            # Before the messages: a network with short epochs would talk past its deadline.
            if stop is not None and stop.is_set():
                self.close()
                return FoldOutcome(None, cause="killed", reason="stopped")
            if deadline is not None and time.monotonic() > deadline:
                self.close()
                return FoldOutcome(None, cause="timeout", reason=f"took longer than {timeout_s:g} s (--cell-timeout)")
            if connection.poll(0.2):
                message = connection.recv()
                if isinstance(message, FoldOutcome):
                    return message
                on_epoch(message)


def _train_folds(connection: Messages) -> None:
    from bench.running.worker import run_fold

    while True:
        try:
            task: FoldTask = connection.recv()
        except EOFError:
            return
        connection.send(run_fold(task, connection.send))


if __name__ == "__main__":
    serve(sys.argv[1], _train_folds)
