"""An object of ours in a process of its own: started fresh, asked over a secret connection, gone with its parent.

The parent runs ``python -m bench.processes ADDRESS``, hands over a secret on the child's stdin and keeps that pipe
open: when the parent ends, however it ends, the pipe closes and the child leaves at once. No ``multiprocessing`` start
method is involved, so scripts and notebooks need no ``__main__`` guard.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar

from bench.errors import BenchError, ProcessError

START_TIMEOUT_S = 120.0
STOP_POLL_S = 0.2
SECRET_BYTES = 32
STDIN = 0
DONE, FAILED, HEARD = "done", "failed", "heard"
"""What a child sends: a result, why there is none, or what a listener of the parent's is to hear."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**30)}
"""glibc gives the memory of a training step back after it and asks for it again, page fault by page fault, in the
next: 1,300 faults a step, 7 % of plain_cnn's time. Other systems ignore these."""

Messages: TypeAlias = "Connection[Any, Any]"
Served = TypeVar("Served")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class Servant(Generic[Served]):
    """The parent's end: one object of a class that both ends can import, made in the child and living as long as it.

    The child is started by the first request, and afresh by the next one after it is gone. Not thread-safe: one thread
    drives one servant, and waits for an answer before it asks again.
    """

    def __init__(self, served: Callable[[], Served], threads: int = 1, limit_s: float | None = None) -> None:
        """Args:
        served: the class; instances are made without arguments.
        threads: intra-op threads that the child's libraries are pinned to.
        limit_s: longest time to wait for an answer where :meth:`Answer.wait` is told no other.
        """
        self.served = served
        self.threads = threads
        self.limit_s = limit_s
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Messages | None = None

    @property
    def pid(self) -> int | None:
        """Process number of the child, once started."""
        return self._process.pid if self._process is not None else None

    def begin(
        self,
        method: Callable[Concatenate[Served, Arguments], Result],
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> "Answer[Result]":
        """Have the child call ``method`` of its object, as ``begin(Class.method, argument, ...)``.

        A function among the positional arguments stays here: what the child calls it with is sent, and it is called
        with that by whoever waits for the answer.

        Raises:
            ProcessError: no child could be started, or it died.
        """
        listeners = {place: each for place, each in enumerate(arguments) if callable(each)}
        sent = [None if place in listeners else each for place, each in enumerate(arguments)]
        try:
            connection = self._started()
            connection.send((method, sent, named, tuple(listeners)))
        except ConnectionError as error:
            raise ProcessError("killed", self.why_it_ended()) from error
        return Answer(self, connection, method.__name__, listeners)

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

    def _started(self) -> Messages:
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self.close()
        secret = secrets.token_bytes(SECRET_BYTES)
        try:
            with Listener(authkey=secret) as listener:
                command = [sys.executable, "-m", "bench.processes", _as_text(listener.address)]
                # Anything an architecture prints must not reach our stdout, which may be the JSON result.
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=sys.__stderr__, env=_child_environment(self.threads)
                )
                os.write(_stdin_of(self._process), secret)
                self._connection = _accept(listener, self._process)
        except OSError as error:  # no memory or no process number left, say
            ended = f"; {self.why_it_ended()}" if self._process is not None else ""
            raise ProcessError("killed", f"no worker process could be started ({error}{ended})") from error
        self._connection.send(self.served)
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


@dataclass(frozen=True)
class Answer(Generic[Result]):
    """What a servant was asked for and has not told yet."""

    servant: Servant[Any]
    connection: Messages
    asked: str
    listeners: Mapping[int, Callable[..., object]]

    def wait(self, limit_s: float | None = None, stop: threading.Event | None = None) -> Result:
        """Wait for the answer, passing on what the child tells meanwhile.

        What a listener raises ends the child and passes through.

        Args:
            limit_s: longest time to wait, beyond which the child is ended; None = the servant's.
            stop: ends the child when set.

        Raises:
            ProcessError: the child died, was ended, or could not do it.
        """
        try:
            kind, told = self._listen(limit_s, stop)
        except (EOFError, ConnectionError) as error:
            raise ProcessError("killed", self.servant.why_it_ended()) from error
        except BaseException:
            self.servant.close()
            raise
        if kind == FAILED:
            raise ProcessError("raised", told)
        result: Result = told
        return result

    def _listen(self, limit_s: float | None, stop: threading.Event | None) -> tuple[str, Any]:
        limit_s = limit_s if limit_s is not None else self.servant.limit_s
        deadline = time.monotonic() + limit_s if limit_s is not None else None
        while True:
            # Before the messages: a child that tells much would talk past its deadline.
            if stop is not None and stop.is_set():
                raise ProcessError("killed", "stopped")
            left_s = deadline - time.monotonic() if deadline is not None else None
            if left_s is not None and left_s <= 0:
                raise ProcessError("timeout", f"no answer to '{self.asked}' within {limit_s:g} s; it was ended")
            # Without a stop nothing wakes up here before the answer: what the child does may be a timing.
            if self.connection.poll(STOP_POLL_S if stop is not None else left_s):
                kind, told = self.connection.recv()
                if kind != HEARD:
                    return kind, told
                place, arguments = told
                self.listeners[place](*arguments)


def serve(address: str) -> None:
    """The child's end: connect to the parent at ``address`` and do what it asks; leave when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    secret = b""
    while len(secret) < SECRET_BYTES and (part := os.read(STDIN, SECRET_BYTES - len(secret))):
        secret += part
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    connection = Client(address, authkey=secret)
    with contextlib.suppress(EOFError):
        served = connection.recv()()
        while True:
            connection.send(_answer(served, connection))


def _answer(served: object, connection: Messages) -> tuple[str, Any]:
    """What came of the next request: its result, or the reason in one line."""
    method, arguments, named, listeners = connection.recv()
    for place in listeners:
        arguments[place] = partial(_tell, connection, place)
    try:
        return DONE, method(served, *arguments, **named)
    except Exception as error:  # whatever a user's own network raises is the parent's to tell
        reason = " ".join(str(error).split())
        return FAILED, reason if isinstance(error, BenchError) else f"{type(error).__name__}: {reason}"


def _tell(connection: Messages, place: int, *arguments: object) -> None:
    connection.send((HEARD, (place, arguments)))


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

    def accept() -> None:
        with contextlib.suppress(OSError):  # closed by us, who gave up
            accepted.append(listener.accept())

    waiter = threading.Thread(target=accept, daemon=True)
    waiter.start()
    deadline = time.monotonic() + START_TIMEOUT_S
    while waiter.is_alive() and process.poll() is None and time.monotonic() < deadline:
        waiter.join(0.1)
    if not accepted:
        if process.poll() is None:
            process.kill()
        raise ConnectionError("no connection")
    return accepted[0]
