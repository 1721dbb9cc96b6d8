"""Latency of several networks on this machine, measured so that they can be compared; see ``LatencySettings``.

Read on in ``heats`` (processes), ``rounds`` (turns and the canary), ``stopwatch`` (one process), ``networks`` (what it
loads).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bench.config.latency import LatencySettings
from bench.errors import ConfigError
from bench.measuring.environment import describe_environment, machine_digest
from bench.measuring.latency.heats import Heats, LatencyProgress, OnProgress
from bench.measuring.latency.networks import TimedModel
from bench.measuring.latency.rounds import KeptRounds, Timing
from bench.processes.cores import usable_cores
from bench.records.keys import digest
from bench.records.schema import LatencyRecord
from bench.records.store import RecordStore

__all__ = ["LatencyProgress", "OnProgress", "TimedModel", "measure_latencies"]


def measure_latencies(
    models: Sequence[TimedModel], settings: LatencySettings, store: RecordStore, on_progress: OnProgress
) -> list[LatencyRecord]:
    """Measure every model in every setting and store the raw samples.

    Nothing else of ours may run meanwhile. A model that cannot be built or run is told to ``on_progress`` and left
    out; the others go on.

    Raises:
        ConfigError: the settings do not go together.
        ModelError: a library that a runtime needs is missing.
        ProcessError: the canary itself died.
    """
    if "onnx" in settings.runtimes:
        from bench.training.portable import require_onnx

        require_onnx("--runtime onnx")
        if settings.device != "cpu":
            raise ConfigError(f"--runtime onnx runs on the CPU; use --device cpu, not {settings.device}")
        for model in models:
            if model.precision != "float32":
                raise ConfigError(
                    f"--runtime onnx runs in float32, and {model.model} is asked for in {model.precision}"
                )
    if "graph" in settings.runtimes and not settings.device.startswith("cuda"):
        raise ConfigError(f"--runtime graph replays CUDA graphs; use --device cuda, not {settings.device}")
    for threads in settings.threads:
        if threads != "all" and threads > usable_cores():
            raise ConfigError(f"--threads {threads}: this process may use {usable_cores()} cores; write at most that")
    environment = describe_environment(settings.device)
    records: list[LatencyRecord] = []
    for threads in dict.fromkeys(usable_cores() if each == "all" else each for each in settings.threads):
        for timing, kept in Heats(settings, threads, on_progress).measure(models):
            for record in _records(timing, kept, environment):
                store.write_latency(record)
                records.append(record)
    return records


def _records(timing: Timing, kept: KeptRounds, environment: Mapping[str, Any]) -> Iterator[LatencyRecord]:
    plan, timed = timing.plan, timing.plan.timed
    for series, warm_ups in timing.warm_ups.items():
        setting = {
            "variant_digest": timed.variant_digest,
            **series._asdict(),
            "threads": plan.threads,
            "device": plan.device,
            "precision": timed.precision,
            "memory_format": plan.memory_format,
            "runtime": plan.runtime,
        }
        key = {**setting, "machine": machine_digest(environment), "accelerator": environment["accelerator"]}
        turns = [taken.turns[series] for taken in kept.rounds]
        reasons = ["the machine did not hold its speed"] if kept.unstable else []
        reasons += [] if all(warm_up.steady for warm_up in warm_ups) else ["never steady"]
        settling = (taken.turns[series].settling_ms for taken in timing.rounds)
        before_timing = [*(warm_up.calls_ms for warm_up in warm_ups), *settling]
        yield LatencyRecord.model_validate(
            {
                **setting,
                "key": digest({**key, "passes": 2} if timed.flip else key),
                "model": timed.model,
                "warmup_ms": [ms for calls_ms in before_timing for ms in calls_ms],
                "samples_ms": [turn.samples_ms for turn in turns],
                "canary_ms": [[ms for turn in taken.canary for ms in turn.samples_ms] for taken in kept.rounds],
                "waited_share": [turn.waited_share for turn in turns],
                "rounds_retaken": kept.retaken,
                "unstable": bool(reasons),
                "unstable_reason": "; ".join(reasons) or None,
                "peak_memory_mb": timing.memory_mb[series],
                "measured": datetime.now(UTC).isoformat(),
                "environment": environment,
            }
        )
