import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config.latency import AFTER_TRAINING
from bench.measuring.latency.percentiles import median_interval_ms, percentile_ms, summarise, summarise_latencies
from bench.records.schema import LatencyRecord

MACHINE = {"processor": "one", "cores": 2}
OTHER_MACHINE = {"processor": "two", "cores": 2}


def record(**changes: object) -> LatencyRecord:
    facts: dict[str, object] = {
        "key": "k",
        "model": "a",
        "variant_digest": "v",
        "batch": 1,
        "threads": 1,
        "device": "cpu",
        "precision": "float32",
        "memory_format": "channels_last",
        "samples_ms": [[2.0] * 40, [3.0] * 40, [4.0] * 40],
        "peak_memory_mb": 300.0,
        "measured": "2026-01-01T00:00:00+00:00",
        "environment": MACHINE,
    }
    return LatencyRecord.model_validate({**facts, **changes})


@pytest.mark.parametrize(("percent", "needed"), [(50, 10), (95, 100), (99, 500)])
def test_a_percentile_needs_five_samples_beyond_it(percent: int, needed: int) -> None:
    assert percentile_ms(np.arange(needed - 1.0), percent) is None
    assert percentile_ms(np.arange(float(needed)), percent) == pytest.approx(percent / 100 * (needed - 1), rel=1e-5)


def test_what_a_run_measures_carries_a_median_also_of_a_network_that_fills_its_turns() -> None:
    one_sample_a_round = record(samples_ms=[[150.0]] * AFTER_TRAINING.rounds)
    assert summarise(one_sample_a_round)["p50"] == 150.0


@given(st.lists(st.lists(st.floats(0.01, 100), min_size=1, max_size=30), min_size=3, max_size=12))
def test_the_interval_spans_the_mean_of_the_rounds(rounds: list[list[float]]) -> None:
    interval = median_interval_ms(rounds)
    assert interval is not None
    centre = float(np.exp(np.mean(np.log([np.median(each) for each in rounds]))))
    assert 0 < interval[0] <= centre * (1 + 1e-5)
    assert interval[1] >= centre * (1 - 1e-5)


def test_two_rounds_carry_no_interval() -> None:
    assert median_interval_ms([[1.0], [2.0]]) is None


def test_headline_is_one_picture_one_thread_forward_only() -> None:
    found = summarise_latencies(
        [
            record(batch=8, samples_ms=[[8.0] * 20], peak_memory_mb=400.0),
            record(),
            record(end_to_end=True, samples_ms=[[9.0] * 20]),
            record(threads=2, samples_ms=[[1.0] * 20]),
            record(runtime="onnx", samples_ms=[[0.5] * 20]),
            record(memory_format="contiguous", batch=8, samples_ms=[[1.0] * 20]),
        ],
        MACHINE,
    )
    assert found["latency_ms"]["p50"] == 3.0
    assert found["latency_ms"]["samples"] == 120
    assert found["latency_ms"]["p99"] is None
    assert found["peak_memory_mb"] == 300.0
    assert len(found["latencies"]) == 6
    assert found["throughput_images_per_s"] == 1000.0  # batch 8 in 8 ms, all else alike


def test_unlike_machines_never_share_a_column() -> None:
    elsewhere = record(environment=OTHER_MACHINE, samples_ms=[[7.0] * 20], measured="2026-02-01T00:00:00+00:00")
    assert summarise_latencies([record(), elsewhere], MACHINE)["latency_ms"]["p50"] == 3.0
    assert summarise_latencies([record(), elsewhere])["latency_ms"]["p50"] == 7.0
    nothing = summarise_latencies([elsewhere], MACHINE)
    assert nothing == {
        "latency_ms": None,
        "latencies": [],
        "throughput_images_per_s": None,
        "peak_memory_mb": None,
    }


def test_a_newer_measurement_replaces_the_older_of_the_same_setting() -> None:
    newer = record(samples_ms=[[5.0] * 20], measured="2026-02-01T00:00:00+00:00")
    for order in ([newer, record()], [record(), newer]):
        found = summarise_latencies(order, MACHINE)
        assert [entry["p50"] for entry in found["latencies"]] == [5.0]


def test_instability_is_told() -> None:
    assert summarise(record(unstable=True))["unstable"] is True
