"""What a measuring process does: load a network, warm it up, time it.

While it times, nothing else of ours runs: the parent waits for the answer, and the garbage collector is off.
"""

import functools
import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.measuring.latency.networks import Call, Network, Plan, Series, TimedModel, export_onnx_files, load_network
from bench.measuring.memory import PeakMemory

WINDOW_CALLS = 5
WINDOW_S = 0.03
STEADY_WINDOWS = 4
STEADY_SPREAD = 0.05
"""Steady: the medians of the last four windows (of at least five calls and 30 ms each) lie within 5 %."""

SETTLING_S = 0.01
"""At the start of a turn calls are made, and set apart, for at least this long: the turns before emptied the caches."""

MEMORY_WATCH_S = 0.15

ANSWER_LIMIT_S = 1800.0
"""Longest wait for one answer, far above what the largest network needs on one core: beyond it, the child hangs."""


class WarmUp(NamedTuple):
    """Times of all calls in ms until they were steady; ``call_ms`` is the median of the last window."""

    calls_ms: list[float]
    call_ms: float
    steady: bool


class Turn(NamedTuple):
    """One turn of one series, ms per call: calls to settle, then the samples.

    ``waited_share`` is the time that threads of this process were ready to run but had no core while the samples were
    taken, as a share of that time; None where the system does not tell.
    """

    settling_ms: list[float]
    samples_ms: list[float]
    waited_share: float | None = None


class Stopwatch:
    """Times one network, the one loaded last; lives in a process of its own."""

    def __init__(self) -> None:
        self._call_of: Callable[[Series], Call] | None = None

    def load(self, plan: Plan) -> None:
        """Load a network in place of the last one; raises what :func:`load_network` raises."""
        self.watch(load_network(plan))
        gc.collect()
        gc.freeze()  # what is loaded stays; collections between turns need not look at it again

    def watch(self, network: Network) -> None:
        """Time this network from now on."""
        self._call_of = functools.cache(network.prepare)

    def export(self, timed: TimedModel, folder: str) -> tuple[str, str]:
        """Export to ONNX files in ``folder``; see :func:`export_onnx_files`."""
        return export_onnx_files(timed, folder)

    def warm_up(self, series: Series, limit_s: float) -> WarmUp:
        """Call until steady, or until ``limit_s`` is over and four windows are seen."""
        call = self._call(series)
        calls_ms: list[float] = []
        medians: list[float] = []
        started = time.perf_counter()
        while True:
            window = time_calls(call, WINDOW_CALLS, WINDOW_S)
            calls_ms += window
            medians.append(statistics.median(window))
            over = time.perf_counter() - started > limit_s
            last = medians[-STEADY_WINDOWS:]
            if len(last) == STEADY_WINDOWS:
                steady = max(last) <= min(last) * (1 + STEADY_SPREAD)
                if steady or over:
                    return WarmUp(calls_ms, medians[-1], steady)

    def turn(self, series: Series, samples: int) -> Turn:
        """Time ``samples`` calls after letting the caches settle."""
        call = self._call(series)
        settling_ms = time_calls(call, 1, SETTLING_S)
        waited_before_s = waited_for_a_core_s()
        samples_ms = time_calls(call, samples)
        waited_after_s = waited_for_a_core_s()
        if waited_before_s is None or waited_after_s is None:
            return Turn(settling_ms, samples_ms)
        return Turn(settling_ms, samples_ms, (waited_after_s - waited_before_s) / (sum(samples_ms) / 1000))

    def peak_memory_mb(self, series: Series) -> float:
        """Highest memory of this process while it runs ``series`` without being timed."""
        call = self._call(series)
        with PeakMemory() as watch:
            time_calls(call, 2, MEMORY_WATCH_S)
        return watch.peak_mb

    def _call(self, series: Series) -> Call:
        assert self._call_of is not None, "load comes first"
        return self._call_of(series)


def waited_for_a_core_s() -> float | None:
    """Seconds that this process's threads have stood in the scheduler's queue since they began; None if unknown."""
    try:
        tables = [path.read_text() for path in Path("/proc/self/task").glob("*/schedstat")]
    except OSError:  # no such system, or a thread that ended just now
        return None
    return sum(int(table.split()[1]) for table in tables) / 1e9 if tables else None


def time_calls(call: Call, at_least: int, at_least_s: float = 0.0) -> list[float]:
    """Milliseconds of each call, for a number of calls and of seconds, with the garbage collector off."""
    clock = time.perf_counter_ns
    times_ns: list[int] = []
    collecting = gc.isenabled()
    gc.disable()
    try:
        end = clock() + int(at_least_s * 1e9)
        number = 0
        while number < at_least or clock() < end:
            begin = clock()
            call(number)
            times_ns.append(clock() - begin)
            number += 1
    finally:
        if collecting:
            gc.enable()
    return [nanoseconds / 1e6 for nanoseconds in times_ns]
