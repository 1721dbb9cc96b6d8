"""A measuring process: one network, loaded alone, timed on request. Both ends are this file."""

import sys
from collections.abc import Callable
from typing import Any

from bench.errors import ModelError
from bench.measuring.latency.target import Series, TargetPlan
from bench.measuring.latency.timing import MeasuringSession, Turn, WarmUp
from bench.processes.child import ChildProcess, Messages, serve

ANSWER_LIMIT_S = 1800.0
"""Longest wait for one answer, far above what the largest network needs on one core: beyond it, the child hangs."""


class MeasuringProcess:
    """The parent's end; its methods mirror :class:`MeasuringSession`."""

    def __init__(self, threads: int) -> None:
        self._child = ChildProcess("bench.measuring.latency.process", threads)

    @property
    def pid(self) -> int | None:
        """Process number of the child, once started."""
        return self._child.pid

    def begin_load(self, plan: TargetPlan) -> Callable[[], None]:
        """Start loading, so that several processes can load side by side; the result waits until it is done."""
        return self._begin("load", plan)

    def export(self, plan: TargetPlan, folder: str) -> tuple[str, str]:
        """See :meth:`MeasuringSession.export`."""
        files: tuple[str, str] = self._begin("export", plan, folder)()
        return files

    def warm_up(self, series: Series, limit_s: float) -> WarmUp:
        """See :meth:`MeasuringSession.warm_up`."""
        warm_up: WarmUp = self._begin("warm_up", series, limit_s)()
        return warm_up

    def turn(self, series: Series, samples: int) -> Turn:
        """See :meth:`MeasuringSession.turn`."""
        turn: Turn = self._begin("turn", series, samples)()
        return turn

    def peak_memory_mb(self, series: Series) -> float:
        """See :meth:`MeasuringSession.peak_memory_mb`."""
        return float(self._begin("peak_memory_mb", series)())

    def close(self) -> None:
        """End the process."""
        self._child.close()

    def _begin(self, request: str, *arguments: object) -> Callable[[], Any]:
        """Send a request; the returned function waits for its answer.

        Raises:
            ModelError: the child could not do it, died over it, or did not answer in time.
        """

        def wait() -> Any:
            try:
                if not connection.poll(ANSWER_LIMIT_S):
                    self._child.close()
                    raise ModelError(f"no answer to '{request}' within {ANSWER_LIMIT_S / 60:g} minutes; it was ended")
                succeeded, answer = connection.recv()
            except (EOFError, ConnectionError) as error:
                raise ModelError(self._child.why_it_ended()) from error
            if not succeeded:
                raise ModelError(answer)
            return answer

        try:
            connection = self._child.started()
            connection.send((request, arguments))
        except ConnectionError as error:
            raise ModelError(self._child.why_it_ended()) from error
        return wait


def _converse(connection: Messages) -> None:
    session = MeasuringSession()
    requests: dict[str, Callable[..., Any]] = {
        request.__name__: request
        for request in (session.load, session.export, session.warm_up, session.turn, session.peak_memory_mb)
    }
    while True:
        try:
            request, arguments = connection.recv()
        except EOFError:
            return
        try:
            answer = (True, requests[request](*arguments))
        except Exception as error:  # whatever a user's own network raises is the parent's to tell
            reason = " ".join(str(error).split())
            answer = (False, reason if isinstance(error, ModelError) else f"{type(error).__name__}: {reason}")
        connection.send(answer)


if __name__ == "__main__":
    serve(sys.argv[1], _converse)
