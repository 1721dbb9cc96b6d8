"""``bench latency`` as a real process, with rounds so short that only their bookkeeping counts."""

import json
from pathlib import Path

import pytest

from bench.measuring.environment import describe_environment
from bench.records.keys import protocol_digest
from bench.records.schema import LatencyRecord
from bench.records.store import RecordStore
from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results
from tests.conftest import RunBench

SHORT = ("--starts", "1", "--rounds", "2", "--turn-seconds", "0.01")


def stored(**changes: object) -> LatencyRecord:
    facts: dict[str, object] = {
        "key": "k",
        "model": "plain_cnn",
        "variant_digest": "v",
        "batch": 1,
        "threads": 1,
        "device": "cpu",
        "precision": "float32",
        "memory_format": "channels_last",
        "samples_ms": [[2.0] * 10, [4.0] * 10],
        "measured": "2026-01-01T00:00:00+00:00",
        "environment": {"processor": "one", "cores": 2},
    }
    return LatencyRecord.model_validate({**facts, **changes})


def test_show_prints_the_stored_samples_of_the_machine_that_measured_last(run_bench: RunBench, tmp_path: Path) -> None:
    store = RecordStore(tmp_path / "results")
    store.write_latency(stored())
    store.write_latency(stored(key="slow", model="resnet_custom", variant_digest="w", samples_ms=[[9.0] * 10]))
    other = {"processor": "two", "cores": 2}
    store.write_latency(stored(key="old", environment=other, measured="2025-01-01T00:00:00+00:00"))
    done = run_bench("latency", "--show", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [row["model"] for row in document["rows"]] == ["plain_cnn", "resnet_custom"]
    row = document["rows"][0]
    assert row["latency_ms"]["p50"] == 3.0
    assert row["latency_ms"]["p95"] is None
    assert row["latency_ms"] in row["latencies"]
    assert "1 records of other machines" in done.stderr
    only = json.loads(run_bench("latency", "--show", "--models", "resnet_custom", "--json").stdout)
    assert [row["model"] for row in only["rows"]] == ["resnet_custom"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--show",), "holds no latencies"),
        (("--show", "--models", "nobody"), "holds no latency of nobody"),
        (
            ("--models", "plain_cnn", "--batches", "1,0"),
            "--batches: batches is '0', input should be",
        ),
        (
            ("--models", "plain_cnn", "--threads", "1,some"),
            "--threads: threads is 'some', write a number",
        ),
        (("--models", "plain_cnn", "--runtime", "tensorrt"), "--runtime"),
        (("--models", "plain_cnn", "--rounds", "0"), "--rounds: rounds is 0"),
        (("--models", "plain_cnn", "--turn-seconds", "0"), "--turn: turn_s is 0.0"),
        (("--models", "plain_cn"), "did you mean plain_cnn"),
        (("--models", "plain_cnn,plain_cnn"), "names 'plain_cnn' twice"),
        (("--models", "plain_cnn", "--threads", "4096"), "--threads 4096: this process may use"),
        (("--models", "ridge"), "no network of its own to time: it is a gate"),
        (("--models", "ensemble:plain_cnn+heatmap_net"), "no network of its own to time: it is an ensemble"),
        (("--models", "plain_cnn@tuned"), "model 'plain_cnn@tuned': not recorded as it stands now"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(
    run_bench: RunBench, arguments: tuple[str, ...], told: str
) -> None:
    done = run_bench("latency", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_measures_every_setting_and_stores_raw_samples(run_bench: RunBench, tmp_path: Path) -> None:
    done = run_bench("latency", "--models", "plain_cnn", "--batches", "1,2", *SHORT, "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row["model"] == "plain_cnn"
    assert row["peak_memory_mb"] > 50
    settings = {(entry["batch"], entry["end_to_end"]) for entry in row["latencies"]}
    assert settings == {(1, False), (1, True), (2, False), (2, True)}
    records = RecordStore(tmp_path / "results").latencies()
    assert len(records) == 4
    for record in records:
        assert len(record.samples_ms) == len(record.canary_ms) == len(record.waited_share) == 2
        assert len(record.warmup_ms) >= 20
        assert record.precision == "float32"
        assert record.environment["processor"]


def test_where_nothing_can_be_measured_the_reason_is_all_there_is(run_bench: RunBench, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "from torch import Tensor, nn\n\n\n"
        "class Broken(nn.Module):\n"
        "    def forward(self, pictures: Tensor) -> Tensor:\n"
        "        raise ValueError('no way forward')\n"
    )
    done = run_bench("latency", "--models", "broken.py:Broken", *SHORT, "--json")
    assert done.returncode == 1
    assert "no way forward" in done.stderr and "holds no latencies" not in done.stderr
    assert json.loads(done.stdout) == {"rows": []}


@pytest.mark.parametrize(
    ("here", "told"), [(True, "takes these figures into the leaderboard"), (False, "leaves these figures out")]
)
def test_it_says_whether_the_leaderboard_will_show_the_figures(
    run_bench: RunBench, tmp_path: Path, here: bool, told: str
) -> None:
    store = draw_results(tmp_path / "results", DrawnResults([DrawnModel("plain_cnn", 1.5)], rows=40, people=10))
    if here:
        asked = store.asked()[-1]
        ours = asked.model_copy(update={"environment": describe_environment()})
        store.write_asked(ours, protocol_digest(ours.dataset, ours.protocol))
    done = run_bench("latency", *SHORT)
    assert done.returncode == 0, done.stderr
    assert told in done.stderr


def test_what_is_recorded_but_cannot_be_built_any_more_is_skipped(run_bench: RunBench, tmp_path: Path) -> None:
    models = [DrawnModel("gone.py:Net", 1.2), DrawnModel("plain_cnn", 1.5), DrawnModel("plain_cnn@tuned", 1.4)]
    draw_results(tmp_path / "results", DrawnResults(models, rows=40, people=10))
    done = run_bench("latency", *SHORT, "--json")
    assert done.returncode == 1, done.stderr
    assert "latency of gone.py:Net is not measured" in done.stderr
    assert "latency of plain_cnn@tuned is not measured" in done.stderr
    assert [row["model"] for row in json.loads(done.stdout)["rows"]] == ["plain_cnn"]
    named = run_bench("latency", "--models", "gone.py:Net,plain_cnn", *SHORT)
    assert named.returncode == 2
    assert "Traceback" not in done.stderr + named.stderr
