"""An object of ours in a process of its own: started fresh, asked over its pipes, gone with its parent.

The parent runs ``python -m bench.processes`` and asks over the child's stdin; when the parent ends, however it ends,
that pipe closes and the child leaves at once. No ``multiprocessing`` start method is involved, so scripts and notebooks
need no ``__main__`` guard. At both ends a thread takes in what arrives, so that nobody waits for a full pipe; what a
message holds is unpickled by whoever waits for it.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, Concatenate, Generic, ParamSpec, TypeVar

from bench.errors import BenchError, ProcessError
from bench.processes.group import APART, Group

STOP_POLL_S = 0.2
STDIN, STDOUT, STDERR = 0, 1, 2
LENGTH_BYTES = 8
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**30)}
"""glibc gives the memory of a training step back after it and asks for it again, page fault by page fault, in the
next: 1,300 faults a step, 7 % of plain_cnn's time. Other systems ignore these."""

READY = b"ready\n"
"""The child's first line; what a hook of the installation prints before it is passed over."""

DONE, FAILED, HEARD = "done", "failed", "heard"
"""What a child sends: a result, why there is none, or what a listener of the parent's is to hear."""

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
        self._group: Group | None = None
        self._arrived: SimpleQueue[bytes | None] = SimpleQueue()

    @property
    def pid(self) -> int | None:
        """Process number of the child, once started."""
        return self._group.leader.pid if self._group is not None else None

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
            if self._group is None or self._group.leader.poll() is not None:
                self._start()
            self._send((method, sent, named, tuple(listeners)))
        except ConnectionError as error:
            raise ProcessError("killed", self.why_it_ended()) from error
        except OSError as error:  # no memory or no process number left, say
            raise ProcessError("killed", f"no worker process could be started ({error})") from error
        return Answer(self, self._arrived, method.__name__, listeners)

    def close(self) -> None:
        """Stop the child, if there is one."""
        group, self._group = self._group, None
        if group is not None:
            group.end()
            assert group.leader.stdin is not None
            with contextlib.suppress(OSError):  # a request that the child never read is flushed once more
                group.leader.stdin.close()

    def _start(self) -> None:
        self.close()
        command = [sys.executable, "-P", "-m", "bench.processes"]  # -P: nothing is imported from the working directory
        environment = _child_environment(self.threads)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, **APART)
        self._group = Group(process)
        self._arrived = SimpleQueue()
        threading.Thread(target=_take_in, args=(process.stdout, self._arrived), daemon=True).start()
        self._send(self.served)

    def _send(self, message: object) -> None:
        assert self._group is not None and self._group.leader.stdin is not None
        _write(self._group.leader.stdin, message)

    def why_it_ended(self) -> str:
        """Wait for a child whose connection broke, and say how it ended."""
        # A broken connection means that it is ending.
        code = self._group.leader.wait() if self._group is not None else None
        self.close()
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in signal.valid_signals() else str(-code)
            hint = " (the system does this when memory runs out)" if -code == getattr(signal, "SIGKILL", 9) else ""
            return f"worker killed by {name}{hint}"
        return f"worker ended with exit code {code}"


@dataclass(frozen=True)
class Answer(Generic[Result]):
    """What a servant was asked for and has not told yet."""

    servant: Servant[Any]
    arrived: "SimpleQueue[bytes | None]"
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
        except EOFError as error:
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
            try:
                message = self.arrived.get(timeout=STOP_POLL_S if stop is not None else left_s)
            except Empty:
                continue
            if message is None:
                raise EOFError
            kind, told = pickle.loads(message)  # noqa: S301  (from a child of ours)
            if kind != HEARD:
                return kind, told
            place, arguments = told
            self.listeners[place](*arguments)


def serve() -> None:
    """The child's end: do what the parent asks; leave when it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    answers = os.fdopen(os.dup(STDOUT), "wb")
    # Anything an architecture prints must reach neither the parent nor its stdout, which may be the JSON result.
    os.dup2(STDERR, STDOUT)
    answers.write(b"\n" + READY)
    answers.flush()
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_leave_with_parent, args=(requests,), daemon=True).start()
    served = pickle.loads(requests.get())()  # noqa: S301  (from our parent)
    while True:
        _write(answers, _answer(served, requests.get(), answers))


def _answer(served: object, request: bytes, answers: IO[bytes]) -> tuple[str, Any]:
    """What came of a request: its result, or the reason in one line."""
    try:
        method, arguments, named, listeners = pickle.loads(request)  # noqa: S301  (from our parent)
        for place in listeners:
            arguments[place] = partial(_tell, answers, place)
        return DONE, method(served, *arguments, **named)
    except (Exception, SystemExit) as error:  # whatever a user's own network raises is the parent's to tell
        reason = " ".join(str(error).split())
        return FAILED, reason if isinstance(error, BenchError) else f"{type(error).__name__}: {reason}"


def _tell(answers: IO[bytes], place: int, *arguments: object) -> None:
    _write(answers, (HEARD, (place, arguments)))


def _write(pipe: IO[bytes], message: object) -> None:
    body = pickle.dumps(message)
    pipe.write(len(body).to_bytes(LENGTH_BYTES, "big") + body)
    pipe.flush()


def _messages(pipe: IO[bytes]) -> Iterator[bytes]:
    """What arrives, still pickled, until the other end is gone, be it in the middle of a message."""
    while len(head := pipe.read(LENGTH_BYTES)) == LENGTH_BYTES:
        length = int.from_bytes(head, "big")
        body = pipe.read(length)
        if len(body) == length:
            yield body


def _take_in(pipe: IO[bytes], arrived: "SimpleQueue[bytes | None]") -> None:
    """Pass messages on, and None when the child is gone."""
    with pipe:
        while pipe.readline() not in (READY, b""):
            pass
        for message in _messages(pipe):
            arrived.put(message)
    arrived.put(None)


def _leave_with_parent(requests: "SimpleQueue[bytes]") -> None:
    # Not through sys.stdin, whose lock, held by this thread, would abort an interpreter that ends by itself.
    for message in _messages(os.fdopen(os.dup(STDIN), "rb")):
        requests.put(message)
    os._exit(1)


def _child_environment(threads: int) -> Mapping[str, str]:
    """The child has its threads pinned, keeps memory, and finds the same packages, and those alone."""
    path = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)  # "" in a notebook: it imports from there
    return {**KEEP_MEMORY, **os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), "PYTHONPATH": path}
