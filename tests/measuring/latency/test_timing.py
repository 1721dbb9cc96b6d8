import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from bench.errors import ProcessError
from bench.measuring.latency.process import MeasuringProcess
from bench.measuring.latency.target import INPUTS, Series, TargetPlan, TorchTarget, random_pictures
from bench.measuring.latency.timing import MeasuringSession, time_calls, waited_for_a_core_s
from bench.measuring.memory import PeakMemory, memory_mb

FORWARD, END_TO_END = Series(2, False), Series(2, True)


class SimulatedTarget:
    """Calls that take as long as told, one number of milliseconds after the other; the last one repeats."""

    def __init__(self, *call_ms: float) -> None:
        self.call_ms = list(call_ms)
        self.now_ns = 0

    def prepare(self, series: Series) -> object:
        del series

        def call(number: int) -> None:
            del number
            wanted_ms = self.call_ms.pop(0) if len(self.call_ms) > 1 else self.call_ms[0]
            self.now_ns += round(wanted_ms * 1e6)

        return call

    def pass_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the clock go on only while a call runs: a busy machine must not decide a test."""
        monkeypatch.setattr(time, "perf_counter_ns", lambda: self.now_ns)
        monkeypatch.setattr(time, "perf_counter", lambda: self.now_ns / 1e9)


def session_of(target: object) -> MeasuringSession:
    session = MeasuringSession()
    session.target = target  # type: ignore[assignment]
    return session


def test_warm_up_goes_on_until_the_calls_are_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    falling = [12.0 - 0.1 * step for step in range(100)]
    target = SimulatedTarget(*falling, 2.0)
    target.pass_time(monkeypatch)
    warm_up = session_of(target).warm_up(FORWARD, limit_s=20)
    assert warm_up.steady
    assert len(warm_up.calls_ms) > 100
    assert warm_up.call_ms == pytest.approx(2.0, rel=0.2)


def test_warm_up_that_never_steadies_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    restless = [float(1 + 9 * (step // 5 % 2)) for step in range(2000)]
    target = SimulatedTarget(*restless)
    target.pass_time(monkeypatch)
    warm_up = session_of(target).warm_up(FORWARD, limit_s=0.3)
    assert not warm_up.steady


def test_a_turn_keeps_settling_calls_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    target = SimulatedTarget(50.0, 3.0)
    target.pass_time(monkeypatch)
    turn = session_of(target).turn(FORWARD, 7)
    assert turn.settling_ms[0] > 40
    assert len(turn.samples_ms) == 7
    assert max(turn.samples_ms) < 40


def test_timing_restores_the_garbage_collector_after_a_failure() -> None:
    import gc

    def broken(number: int) -> None:
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        time_calls(broken, 1)
    assert gc.isenabled()


def test_inputs_vary_and_repeat_from_run_to_run() -> None:
    first, again = random_pictures(3), random_pictures(3)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert len({each.tobytes() for each in first}) == INPUTS


def test_end_to_end_gives_pixels_of_the_same_network() -> None:
    target = TorchTarget(TargetPlan(None, threads=torch.get_num_threads()))
    normalised = target.prepare(FORWARD)(0)
    pixels = target.prepare(END_TO_END)(0)
    assert isinstance(normalised, torch.Tensor)
    assert isinstance(pixels, np.ndarray)
    assert pixels.shape == (2, 15, 2)
    np.testing.assert_allclose(pixels.reshape(2, 30), (normalised.numpy() + 1) * 48 - 0.5, rtol=1e-4, atol=1e-3)


def test_peak_memory_sees_what_was_freed_again() -> None:
    before = memory_mb()
    with PeakMemory() as watch:
        block = np.ones(40_000_000, dtype=np.uint8)
        time.sleep(0.05)
        del block
    assert watch.peak_mb >= before + 35
    assert memory_mb() < watch.peak_mb - 30


def test_waiting_for_a_core_is_known_here_or_none() -> None:
    waited = waited_for_a_core_s()
    assert waited is None or waited >= 0


@pytest.fixture(scope="module")
def process() -> Iterator[MeasuringProcess]:
    measuring = MeasuringProcess(threads=1)
    measuring.begin_load(TargetPlan(None))()
    yield measuring
    measuring.close()


def test_a_process_of_its_own_answers_all_requests(process: MeasuringProcess) -> None:
    warm_up = process.warm_up(FORWARD, 2.0)
    turn = process.turn(FORWARD, 5)
    assert warm_up.call_ms > 0
    assert len(turn.samples_ms) == 5
    assert process.peak_memory_mb(FORWARD) > 50


def test_what_goes_wrong_in_the_process_arrives_as_one_line(process: MeasuringProcess) -> None:
    with pytest.raises(ProcessError, match="unknown model 'no_such_net'"):
        process.begin_load(TargetPlan("no_such_net"))()


def test_a_killed_process_is_an_error_not_a_hang() -> None:
    import psutil

    measuring = MeasuringProcess(threads=1)
    wait = measuring.begin_load(TargetPlan(None))
    assert measuring.pid is not None
    psutil.Process(measuring.pid).kill()
    with pytest.raises(ProcessError, match="SIGKILL"):
        wait()
