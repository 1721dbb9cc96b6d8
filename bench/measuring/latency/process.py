"""A measuring process: one network, loaded alone, timed on request."""

from collections.abc import Callable

from bench.measuring.latency.target import Series, TargetPlan
from bench.measuring.latency.timing import MeasuringSession, Turn, WarmUp
from bench.processes.servant import Servant

ANSWER_LIMIT_S = 1800.0
"""Longest wait for one answer, far above what the largest network needs on one core: beyond it, the child hangs."""


class MeasuringProcess:
    """The parent's end; its methods mirror :class:`MeasuringSession`, and raise ``ProcessError``."""

    def __init__(self, threads: int) -> None:
        self._servant = Servant(MeasuringSession, threads)

    @property
    def pid(self) -> int | None:
        """Process number of the child, once started."""
        return self._servant.pid

    def begin_load(self, plan: TargetPlan) -> Callable[[], None]:
        """Start loading, so that several processes can load side by side; the result waits until it is done."""
        answer = self._servant.begin(MeasuringSession.load, plan)
        return lambda: answer.wait(ANSWER_LIMIT_S)

    def export(self, plan: TargetPlan, folder: str) -> tuple[str, str]:
        """See :meth:`MeasuringSession.export`."""
        return self._servant.begin(MeasuringSession.export, plan, folder).wait(ANSWER_LIMIT_S)

    def warm_up(self, series: Series, limit_s: float) -> WarmUp:
        """See :meth:`MeasuringSession.warm_up`."""
        return self._servant.begin(MeasuringSession.warm_up, series, limit_s).wait(ANSWER_LIMIT_S)

    def turn(self, series: Series, samples: int) -> Turn:
        """See :meth:`MeasuringSession.turn`."""
        return self._servant.begin(MeasuringSession.turn, series, samples).wait(ANSWER_LIMIT_S)

    def peak_memory_mb(self, series: Series) -> float:
        """See :meth:`MeasuringSession.peak_memory_mb`."""
        return self._servant.begin(MeasuringSession.peak_memory_mb, series).wait(ANSWER_LIMIT_S)

    def close(self) -> None:
        """End the process."""
        self._servant.close()
