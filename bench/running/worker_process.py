"""A persistent worker: a process of its own that trains folds, one at a time, and dies with its parent.

Both ends are this file. The parent starts ``python -m bench.running.worker_process ADDRESS``, hands over a secret on
the child's stdin and keeps that pipe open: when the parent is gone, however it ended, the pipe closes and the child
leaves at once. No ``multiprocessing`` start method is involved, so scripts and notebooks need no ``__main__`` guard.
"""

import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

from bench.records.schema import CurvePoint
from bench.running.task import FoldOutcome, FoldTask

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 120.0
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class WorkerProcess:
    """The parent's end. Not thread-safe: one thread drives one worker."""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[Any, Any] | None = None

    @property
    def pid(self) -> int | None:
        """Process number of the child, once started."""
        return self._process.pid if self._process is not None else None

    def run(
        self,
        task: FoldTask,
        on_epoch: Callable[[CurvePoint], None],
        timeout_s: float | None = None,
        stop: threading.Event | None = None,
    ) -> FoldOutcome:
        """Train one fold in the child; a child that dies or takes too long becomes a failed outcome.

        What ``on_epoch`` raises ends the fold (the child is stopped) and passes through; so does ``stop``, as an
        outcome with cause ``killed``. The next call starts a fresh child where the last one is gone.
        """
        connection = self._started()
        try:
            connection.send(task)
            return self._listen(connection, on_epoch, timeout_s, stop)
        except (EOFError, ConnectionError, BrokenPipeError):
            return self._died()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the child, if there is one."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is not None:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()

    def _listen(
        self,
        connection: "Connection[Any, Any]",
        on_epoch: Callable[[CurvePoint], None],
        timeout_s: float | None,
        stop: threading.Event | None,
    ) -> FoldOutcome:
        deadline = time.monotonic() + timeout_s if timeout_s is not None else None
        while True:
            if connection.poll(0.2):
                message = connection.recv()
                if isinstance(message, FoldOutcome):
                    return message
                on_epoch(message)
            elif stop is not None and stop.is_set():
                self.close()
                return FoldOutcome(None, cause="killed", reason="stopped")
            elif deadline is not None and time.monotonic() > deadline:
                self.close()
                return FoldOutcome(None, cause="timeout", reason=f"took longer than {timeout_s:g} s (--cell-timeout)")

    def _died(self) -> FoldOutcome:
        process = self._process
        code = process.wait() if process is not None else None
        self.close()
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in {int(known) for known in signal.Signals} else str(-code)
            hint = " (the system does this when memory runs out)" if -code == getattr(signal, "SIGKILL", 9) else ""
            return FoldOutcome(None, cause="killed", reason=f"worker killed by {name}{hint}")
        return FoldOutcome(None, cause="killed", reason=f"worker ended with exit code {code}")

    def _started(self) -> "Connection[Any, Any]":
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self.close()
        secret = secrets.token_bytes(32)
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(self.threads))}
        with Listener(authkey=secret) as listener:
            command = [sys.executable, "-m", "bench.running.worker_process", _as_text(listener.address)]
            # Anything an architecture prints must not reach our stdout, which may be the JSON result.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=sys.__stderr__, env=_importable(environment)
            )
            pipe = self._process.stdin
            assert pipe is not None
            pipe.write(secret)
            pipe.flush()
            self._connection = _accept(listener, self._process)
        return self._connection


def _importable(environment: dict[str, str]) -> dict[str, str]:
    """The child must find the same packages as this process, also when they come from ``sys.path`` changes."""
    return {**environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _as_text(address: Any) -> str:
    return address if isinstance(address, str) else f"{address[0]}:{address[1]}"


def _accept(listener: Listener, process: "subprocess.Popen[bytes]") -> "Connection[Any, Any]":
    # accept() has no time limit of its own: a child that dies while starting would leave us waiting for ever.
    accepted: list[Connection[Any, Any]] = []
    waiter = threading.Thread(target=lambda: accepted.append(listener.accept()), daemon=True)
    waiter.start()
    deadline = time.monotonic() + START_TIMEOUT_S
    while waiter.is_alive() and process.poll() is None and time.monotonic() < deadline:
        waiter.join(0.1)
    if not accepted:
        process.kill()
        raise ConnectionError(f"a worker process did not start (exit code {process.poll()})")
    return accepted[0]


def _child(address: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    secret = sys.stdin.buffer.read(32)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    connection: Connection[Any, Any] = Client(address, authkey=secret)
    from bench.running.worker import run_fold

    while True:
        try:
            task: FoldTask = connection.recv()
        except EOFError:
            return
        outcome = run_fold(task, connection.send)
        connection.send(replace(outcome))


def _leave_with_parent() -> None:
    # The parent never writes again: this returns only when its end of the pipe is closed.
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    _child(sys.argv[1])
