import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.errors import ProcessError
from bench.measuring.latency.networks import (
    CANARY,
    INPUTS,
    OnnxNetwork,
    Plan,
    Series,
    TimedModel,
    TorchNetwork,
    export_onnx_files,
    random_pictures,
)
from bench.measuring.latency.stopwatch import Stopwatch, time_calls, waited_for_a_core_s
from bench.measuring.memory import PeakMemory, memory_mb
from bench.processes.servant import Servant
from bench.scheme import SEED_SCHEME, Scheme

FORWARD, END_TO_END = Series(2, False), Series(2, True)
COLOURS = Scheme(names=("left", "middle", "right"), mirror=(2, 1, 0), normaliser="box", side_px=64, channels=3)

COUNTING = """
    from torch import Tensor, nn

    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.passes = 0
            self.layer = nn.Linear(96 * 96, 30)

        def forward(self, pictures: Tensor) -> Tensor:
            self.passes += 1
            return self.layer(pictures.flatten(1))
"""


class SimulatedNetwork:
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


def watching(network: object) -> Stopwatch:
    stopwatch = Stopwatch()
    stopwatch.watch(network)  # type: ignore[arg-type]
    return stopwatch


def test_warm_up_goes_on_until_the_calls_are_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    falling = [12.0 - 0.1 * step for step in range(100)]
    network = SimulatedNetwork(*falling, 2.0)
    network.pass_time(monkeypatch)
    warm_up = watching(network).warm_up(FORWARD, limit_s=20)
    assert warm_up.steady
    assert len(warm_up.calls_ms) > 100
    assert warm_up.call_ms == pytest.approx(2.0, rel=0.2)


def test_warm_up_that_never_steadies_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    restless = [float(1 + 9 * (step // 5 % 2)) for step in range(2000)]
    network = SimulatedNetwork(*restless)
    network.pass_time(monkeypatch)
    warm_up = watching(network).warm_up(FORWARD, limit_s=0.3)
    assert not warm_up.steady


def test_a_turn_keeps_settling_calls_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    network = SimulatedNetwork(50.0, 3.0)
    network.pass_time(monkeypatch)
    turn = watching(network).turn(FORWARD, 7)
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
    first, again = random_pictures(3, SEED_SCHEME), random_pictures(3, SEED_SCHEME)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert len({each.tobytes() for each in first}) == INPUTS


def test_end_to_end_gives_pixels_of_the_same_network() -> None:
    network = TorchNetwork(Plan(CANARY, threads=torch.get_num_threads()))
    normalised = network.prepare(FORWARD)(0)
    pixels = network.prepare(END_TO_END)(0)
    assert isinstance(normalised, torch.Tensor)
    assert isinstance(pixels, np.ndarray)
    assert pixels.shape == (2, 15, 2)
    np.testing.assert_allclose(pixels.reshape(2, 30), (normalised.numpy() + 1) * 48 - 0.5, rtol=1e-4, atol=1e-3)


def test_a_network_is_timed_for_the_scheme_of_its_pictures() -> None:
    network = TorchNetwork(Plan(TimedModel("plain_cnn", "plain_cnn", scheme=COLOURS)))
    assert network.inputs(2)[0].shape == (2, 3, 64, 64)
    assert np.asarray(network.prepare(END_TO_END)(0)).shape == (2, 3, 2)


def test_both_passes_of_a_network_that_answers_in_two_are_timed(tmp_path: Path) -> None:
    file = tmp_path / "counting.py"
    file.write_text(textwrap.dedent(COUNTING))
    passes = {}
    for flip in (False, True):
        network = TorchNetwork(Plan(TimedModel("counting", f"{file}:Counting", flip=flip)))
        module: Any = next(each for each in network.predictor.modules() if type(each).__name__ == "Counting")
        for series in (FORWARD, END_TO_END):
            before = module.passes
            network.prepare(series)(0)
            passes[flip, series] = module.passes - before
    assert passes == {(False, FORWARD): 1, (False, END_TO_END): 1, (True, FORWARD): 2, (True, END_TO_END): 2}


@pytest.mark.slow
def test_both_passes_are_in_the_onnx_files(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    timed = TimedModel("plain_cnn", "plain_cnn", scheme=COLOURS, flip=True)
    torch.manual_seed(0)
    files = export_onnx_files(timed, str(tmp_path))
    onnx = OnnxNetwork(Plan(timed, "onnx", onnx_files=files))
    network = TorchNetwork(Plan(timed))  # draws its weights from seed 0 too
    for series, place in ((FORWARD, None), (END_TO_END, 0)):
        ours = np.asarray(network.prepare(series)(0))
        theirs = np.asarray(onnx.prepare(series)(0)[0])  # type: ignore[index]
        assert ours.shape == theirs.shape
        if place is not None:
            np.testing.assert_allclose(ours, theirs, atol=0.01)


def test_a_stopwatch_times_the_network_loaded_last() -> None:
    stopwatch = Stopwatch()
    for call_ms in (1.0, 7.0):
        network = SimulatedNetwork(call_ms)
        stopwatch.watch(network)  # type: ignore[arg-type]
        with pytest.MonkeyPatch.context() as patch:
            network.pass_time(patch)
            assert stopwatch.turn(FORWARD, 3).samples_ms == [call_ms] * 3


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
def process() -> Iterator[Servant[Stopwatch]]:
    servant = Servant(Stopwatch, threads=1)
    servant.begin(Stopwatch.load, Plan(CANARY)).wait()
    yield servant
    servant.close()


def test_a_process_of_its_own_answers_all_requests(process: Servant[Stopwatch]) -> None:
    warm_up = process.begin(Stopwatch.warm_up, FORWARD, 2.0).wait()
    turn = process.begin(Stopwatch.turn, FORWARD, 5).wait()
    assert warm_up.call_ms > 0
    assert len(turn.samples_ms) == 5
    assert process.begin(Stopwatch.peak_memory_mb, FORWARD).wait() > 50


def test_what_goes_wrong_in_the_process_arrives_as_one_line(process: Servant[Stopwatch]) -> None:
    with pytest.raises(ProcessError, match="unknown model 'no_such_net'"):
        process.begin(Stopwatch.load, Plan(TimedModel("no_such_net", "no_such_net"))).wait()
