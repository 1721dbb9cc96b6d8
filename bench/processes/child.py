"""A Python process of our own: started fresh, spoken to over a secret connection, and gone when its parent is gone.

The parent runs ``python -m MODULE ADDRESS``, hands over a secret on the child's stdin and keeps that pipe open: when
the parent ends, however it ends, the pipe closes and the child leaves at once. No ``multiprocessing`` start method is
involved, so scripts and notebooks need no ``__main__`` guard.
"""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, TypeAlias

START_TIMEOUT_S = 120.0
SECRET_BYTES = 32
STDIN = 0
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**30)}
"""glibc gives the memory of a training step back after it and asks for it again, page fault by page fault, in the
next: 1,300 faults a step, 7 % of plain_cnn's time. Other systems ignore these."""

Messages: TypeAlias = "Connection[Any, Any]"


class ChildProcess:
    """The parent's end. Not thread-safe: one thread drives one child."""

    def __init__(self, module: str, threads: int = 1) -> None:
        self.module = module
        self.threads = threads
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Messages | None = None

    @property
    def pid(self) -> int | None:
        """Process number of the child, once started."""
        return self._process.pid if self._process is not None else None

    def started(self) -> Messages:
        """The connection to the child, which is started first where there is none or the last one is gone.

        Raises:
            ConnectionError: the child ended while starting.
        """
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self.close()
        secret = secrets.token_bytes(SECRET_BYTES)
        with Listener(authkey=secret) as listener:
            command = [sys.executable, "-m", self.module, _as_text(listener.address)]
            # Anything an architecture prints must not reach our stdout, which may be the JSON result.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=sys.__stderr__, env=_child_environment(self.threads)
            )
            try:
                os.write(_stdin_of(self._process), secret)
                self._connection = _accept(listener, self._process)
            except OSError as error:
                raise ConnectionError(f"a worker process did not start: {self.why_it_ended()}") from error
        return self._connection

    def why_it_ended(self) -> str:
        """Wait for a child whose connection broke, and say how it ended."""
        process = self._process
        code = process.wait() if process is not None else None  # a broken connection means that it is ending
        self.close()
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in {int(known) for known in signal.Signals} else str(-code)
            hint = " (the system does this when memory runs out)" if -code == getattr(signal, "SIGKILL", 9) else ""
            return f"worker killed by {name}{hint}"
        return f"worker ended with exit code {code}"

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


def serve(address: str, conversation: Callable[[Messages], None]) -> None:
    """The child's end: connect to the parent at ``address`` and converse; leave when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    secret = b""
    while len(secret) < SECRET_BYTES and (part := os.read(STDIN, SECRET_BYTES - len(secret))):
        secret += part
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    conversation(Client(address, authkey=secret))


def _stdin_of(process: "subprocess.Popen[bytes]") -> int:
    assert process.stdin is not None
    return process.stdin.fileno()


def _leave_with_parent() -> None:
    # The parent never writes again: this returns only when its end of the pipe is closed.
    # Not through sys.stdin, whose lock, held by this thread, would abort an interpreter that ends by itself.
    while os.read(STDIN, 1):
        pass
    os._exit(1)


def _child_environment(threads: int) -> Mapping[str, str]:
    """The child has its threads pinned, keeps memory, and finds the same packages also after ``sys.path`` changes."""
    path = os.pathsep.join(path for path in sys.path if path)
    return {**KEEP_MEMORY, **os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), "PYTHONPATH": path}


def _as_text(address: Any) -> str:
    return address if isinstance(address, str) else f"{address[0]}:{address[1]}"


def _accept(listener: Listener, process: "subprocess.Popen[bytes]") -> Messages:
    # accept() has no time limit of its own: a child that dies while starting would leave us waiting for ever.
    accepted: list[Messages] = []
    waiter = threading.Thread(target=lambda: accepted.append(listener.accept()), daemon=True)
    waiter.start()
    deadline = time.monotonic() + START_TIMEOUT_S
    while waiter.is_alive() and process.poll() is None and time.monotonic() < deadline:
        waiter.join(0.1)
    if not accepted:
        if process.poll() is None:
            process.kill()
        raise ConnectionError("no connection")
    return accepted[0]
