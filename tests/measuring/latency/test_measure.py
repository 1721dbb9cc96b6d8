"""Several models at once: failures, threads, reuse of keys. Real processes, tiny networks."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bench.config.latency import LatencySettings
from bench.errors import ConfigError
from bench.measuring.latency import heats
from bench.measuring.latency.measure import LatencyProgress, TimedModel, measure_latencies
from bench.measuring.latency.rounds import Timing
from bench.processes.cores import usable_cores
from bench.records.store import RecordStore

SETTINGS = LatencySettings(starts=1, rounds=2, extra_rounds=1, turn_s=0.01, end_to_end=False, warm_up_limit_s=0.3)

NETWORKS = """
    import os, signal, time
    from torch import Tensor, nn

    def good(*, width: int = 4) -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, width, 3, stride=8), nn.Flatten(), nn.Linear(width * 144, 30))

    class Broken(nn.Module):
        def forward(self, pictures: Tensor) -> Tensor:
            raise ValueError("no way forward")

    class Deadly(nn.Module):
        def forward(self, pictures: Tensor) -> Tensor:
            os.kill(os.getpid(), signal.SIGKILL)

    class Sleepy(nn.Module):
        def forward(self, pictures: Tensor) -> Tensor:
            time.sleep(3600)
"""


def timed(name: str, **options: object) -> TimedModel:
    return TimedModel(name, name, options, variant_digest=f"digest of {name} {options}")


def test_a_broken_model_is_told_and_the_others_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heats, "PROCESSES", 3)  # the canary and two of the four: two heats
    heard: list[LatencyProgress] = []
    store = RecordStore(tmp_path / "out")
    file = tmp_path / "toys.py"
    file.write_text(textwrap.dedent(NETWORKS))
    good, broken, deadly = f"{file}:good", f"{file}:Broken", f"{file}:Deadly"
    models = [timed(broken), timed(good), timed(deadly), timed(good, width=8)]
    records = measure_latencies(models, SETTINGS, store, heard.append)
    assert [record.variant_digest for record in records] == [models[1].variant_digest, models[3].variant_digest]
    assert {record.key for record in records} == {record.key for record in store.latencies()}
    failures = {progress.failed_model: str(progress.message) for progress in heard if progress.failed_model}
    assert "no way forward" in failures[broken]
    assert "SIGKILL" in failures[deadly]


def test_a_model_that_never_answers_is_a_failure_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warm_up = heats.Heats._warm_up

    def impatient(heat: heats.Heats, timing: Timing) -> None:
        timing.process.limit_s = 0.5  # it has loaded, which may take its time
        warm_up(heat, timing)

    monkeypatch.setattr(heats.Heats, "_warm_up", impatient)
    file = tmp_path / "toys.py"
    file.write_text(textwrap.dedent(NETWORKS))
    heard: list[LatencyProgress] = []
    assert measure_latencies([timed(f"{file}:Sleepy")], SETTINGS, RecordStore(tmp_path / "out"), heard.append) == []
    (failure,) = [progress for progress in heard if progress.failed_model]
    assert "no answer to 'warm_up'" in str(failure.message)


def test_onnx_on_an_accelerator_is_refused_before_anything_starts(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    settings = LatencySettings(runtimes=("onnx",), device="cuda")
    with pytest.raises(ConfigError, match="--device cpu"):
        measure_latencies([timed("plain_cnn")], settings, RecordStore(tmp_path), lambda _: None)


@pytest.mark.slow
def test_company_on_every_core_is_caught_and_the_rounds_are_taken_again(tmp_path: Path) -> None:
    settings = LatencySettings(starts=1, rounds=9, extra_rounds=18, turn_s=0.1, end_to_end=False)
    hogs: list[subprocess.Popen[bytes]] = []

    def on_progress(progress: LatencyProgress) -> None:
        if progress.rounds_taken == 3:
            hogs.extend(subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(usable_cores()))
        if progress.rounds_taken == 6:
            _end(hogs)

    try:
        (record,) = measure_latencies([timed("plain_cnn")], settings, RecordStore(tmp_path), on_progress)
    finally:
        _end(hogs)
    assert len(hogs) == usable_cores()
    assert record.rounds_retaken >= 3, "the three rounds beside the hogs"
    assert len(record.samples_ms) == settings.rounds


def _end(processes: list["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_all_threads_are_the_usable_cores(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"threads": ("all", usable_cores())})
    (record,) = measure_latencies([timed("plain_cnn")], settings, RecordStore(tmp_path), lambda _: None)
    assert record.threads == usable_cores()


@pytest.mark.slow
def test_onnx_beside_torch(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    settings = LatencySettings(
        starts=2, rounds=2, extra_rounds=0, turn_s=0.02, runtimes=("torch", "onnx"), batches=(1, 3)
    )
    records = measure_latencies([timed("plain_cnn")], settings, RecordStore(tmp_path), lambda _: None)
    found = {(record.runtime, record.batch, record.end_to_end) for record in records}
    assert found == {
        (runtime, batch, e2e) for runtime in ("torch", "onnx") for batch in (1, 3) for e2e in (False, True)
    }
    memory = {record.runtime: record.peak_memory_mb or 0 for record in records}
    assert memory["onnx"] < memory["torch"], "the ONNX process never loads torch"
