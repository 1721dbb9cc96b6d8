"""From raw timings to what a reader sees: percentiles that the samples support, for one machine at a time."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from bench.measuring.environment import machine_digest
from bench.records.schema import LatencyRecord

SAMPLES_BEYOND = 5
"""A percentile is given only where at least this many samples are expected beyond it: the slowest five of a hundred
carry a 95th percentile, the slowest one does not carry a 99th. So p50 needs 10 samples, p95 100, p99 500."""

PERCENTILES = (50, 95, 99)
MIN_ROUNDS_FOR_INTERVAL = 3
HEADLINE = {"batch": 1, "threads": 1, "runtime": "torch", "end_to_end": False}
"""The setting of ``latency_ms``: one picture, one thread, forward only."""

ALIKE_FOR_THROUGHPUT = ("threads", "device", "precision", "memory_format", "runtime", "end_to_end")
SHOWN_AS_STORED = ("batch", *ALIKE_FOR_THROUGHPUT, "unstable", "unstable_reason", "rounds_retaken", "measured")

Summary = dict[str, Any]


def summarise_latencies(records: Sequence[LatencyRecord], environment: Mapping[str, Any] | None = None) -> Summary:
    """What one model's latency records say about one machine.

    Args:
        records: of one variant of one model; newer ones replace older ones of the same setting.
        environment: of the machine asked about; None means that of the newest record.

    Returns:
        ``latency_ms`` (the headline setting, or None), ``latencies`` (every setting), ``throughput_images_per_s`` (the
        most that any batch reaches, all else as in the headline) and ``peak_memory_mb`` (of the headline's process);
        None or empty where nothing was measured on that machine.
    """
    newest = _newest_of_machine(records, environment)
    entries = [summarise(record) for record in newest]
    headline = next((entry for entry in entries if all(entry[name] == value for name, value in HEADLINE.items())), None)
    if headline is None:
        return {"latency_ms": None, "latencies": entries, "throughput_images_per_s": None, "peak_memory_mb": None}
    comparable = [entry for entry in entries if all(entry[name] == headline[name] for name in ALIKE_FOR_THROUGHPUT)]
    return {
        "latency_ms": headline,
        "latencies": entries,
        "throughput_images_per_s": max(entry["throughput_images_per_s"] for entry in comparable),
        "peak_memory_mb": headline["peak_memory_mb"],
    }


def latency_rows(
    records: Sequence[LatencyRecord], models: Sequence[str] | None = None
) -> tuple[list[Summary], Mapping[str, Any] | None, int]:
    """One row per model, for the machine that measured last.

    Args:
        records: everything stored.
        models: which ones and in what order; None means all, the fastest first.

    Returns:
        The rows (``model`` and what :func:`summarise_latencies` says of the variant measured last), the environment
        of that machine (None without records), and how many records of other machines were left out.
    """
    chosen = [record for record in records if models is None or record.model in models]
    if not chosen:
        return [], None, 0
    environment = max(chosen, key=lambda record: record.measured).environment
    machine = machine_digest(environment)
    here = [record for record in chosen if machine_digest(record.environment) == machine]
    rows = []
    for model in models if models is not None else dict.fromkeys(record.model for record in here):
        own = sorted((record for record in here if record.model == model), key=lambda record: record.measured)
        if own:
            variant = own[-1].variant_digest
            shown = [record for record in own if record.variant_digest == variant]
            rows.append({"model": model, **summarise_latencies(shown, environment)})
    if models is None:
        rows.sort(key=lambda row: (row["latency_ms"] or {}).get("p50") or math.inf)  # what is not known comes last
    return rows, environment, len(chosen) - len(here)


def is_headline(record: LatencyRecord) -> bool:
    """Whether a record is what ``latency_ms`` shows: one picture, one thread, forward only, in torch."""
    return all(getattr(record, name) == value for name, value in HEADLINE.items())


def summarise(record: LatencyRecord) -> Summary:
    """One setting: percentiles in ms, the 95 % interval of the median over rounds, images/s, the circumstances."""
    samples = np.concatenate([np.asarray(each, dtype=np.float64) for each in record.samples_ms])
    p50 = float(np.median(samples))
    return {
        **{f"p{percent}": percentile_ms(samples, percent) for percent in PERCENTILES},
        "p50_ci95": median_interval_ms(record.samples_ms),
        "samples": len(samples),
        "rounds": len(record.samples_ms),
        **{name: getattr(record, name) for name in SHOWN_AS_STORED},
        "throughput_images_per_s": _rounded(1000.0 * record.batch / p50),
        "peak_memory_mb": _rounded(record.peak_memory_mb),
        "accelerator": record.environment.get("accelerator"),
    }


def percentile_ms(samples: np.ndarray, percent: int) -> float | None:
    """The percentile of float (n,) samples in ms, or None where fewer than ``SAMPLES_BEYOND`` lie beyond it."""
    # Counted in whole percents: 100 x (1 - 0.95) is not 5 in floating point.
    if len(samples) * (100 - percent) < 100 * SAMPLES_BEYOND:
        return None
    return _rounded(float(np.percentile(samples, percent)))


def median_interval_ms(rounds: Sequence[Sequence[float]]) -> list[float] | None:
    """The 95 % t-interval of the rounds' medians in ms; None below three rounds.

    Samples of one round share its minute, so the rounds, not the samples, are what is independent. Taken on the
    logarithms, so that no bound can fall below zero.
    """
    medians = np.log([np.median(each) for each in rounds if each])
    if len(medians) < MIN_ROUNDS_FOR_INTERVAL:
        return None
    half = stats.t.ppf(0.975, len(medians) - 1) * np.std(medians, ddof=1) / len(medians) ** 0.5
    return [float(f"{np.exp(medians.mean() + side * half):.6g}") for side in (-1, 1)]


def _newest_of_machine(records: Sequence[LatencyRecord], environment: Mapping[str, Any] | None) -> list[LatencyRecord]:
    measured = sorted((record for record in records if any(record.samples_ms)), key=lambda record: record.measured)
    if not measured:
        return []
    machine = machine_digest(environment if environment is not None else measured[-1].environment)
    newest = {
        (
            record.device != "cpu",  # the processor first, then accelerators
            record.device,
            record.runtime != "torch",
            record.runtime,
            record.precision,
            record.memory_format,
            record.threads,
            record.batch,
            record.end_to_end,
        ): record
        for record in measured
        if machine_digest(record.environment) == machine
    }
    return [newest[setting] for setting in sorted(newest)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
