"""Latency of several networks on this machine, measured so that they can be compared; see ``LatencySettings``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bench.config.latency import LatencySettings
from bench.errors import ConfigError
from bench.measuring.environment import describe_environment, machine_digest
from bench.measuring.latency.campaign import Campaign, Entrant, LatencyProgress, LatencySubject
from bench.processes.cores import usable_cores
from bench.records.keys import digest
from bench.records.schema import LatencyRecord
from bench.records.store import RecordStore
from bench.training.portable import require_onnx

__all__ = ["LatencyProgress", "LatencySubject", "OnProgress", "measure_latencies"]

PRECISION = "float32"
"""What latency is measured in, whatever the training used: the precision of the weights that are delivered."""


OnProgress = Callable[[LatencyProgress], None]


def measure_latencies(
    subjects: Sequence[LatencySubject], settings: LatencySettings, store: RecordStore, on_progress: OnProgress
) -> list[LatencyRecord]:
    """Measure every subject in every setting and store the raw samples.

    Nothing else of ours may run meanwhile. A model that cannot be built or run is told to ``on_progress`` and left
    out; the others go on.

    Raises:
        ConfigError: the settings do not go together.
        ModelError: a library that a runtime needs is missing.
        ProcessError: the canary itself died.
    """
    if "onnx" in settings.runtimes:
        require_onnx("--runtime onnx")
        if settings.device != "cpu":
            raise ConfigError(f"--runtime onnx runs on the CPU; use --device cpu, not {settings.device}")
    for threads in settings.threads:
        if threads != "all" and threads > usable_cores():
            raise ConfigError(f"--threads {threads}: this process may use {usable_cores()} cores; write at most that")
    environment = describe_environment(settings.device)
    records: list[LatencyRecord] = []
    for threads in dict.fromkeys(usable_cores() if each == "all" else each for each in settings.threads):
        for entrant in Campaign(settings, threads, on_progress).measure(subjects):
            for record in _records(entrant, settings, environment):
                store.write_latency(record)
                records.append(record)
    return records


def _records(entrant: Entrant, settings: LatencySettings, environment: Mapping[str, Any]) -> Iterator[LatencyRecord]:
    kept, turns = entrant.kept, entrant.station.canary_turns
    beside = [turns[number] for number in kept.rounds]
    machine = {"machine": machine_digest(environment), "accelerator": environment["accelerator"]}
    for rounds in entrant.station.rounds:
        setting = {
            "variant_digest": entrant.subject.variant_digest,
            "batch": rounds.series.batch,
            "threads": entrant.plan.threads,
            "device": settings.device,
            "precision": PRECISION,
            "memory_format": entrant.plan.memory_format,
            "runtime": entrant.plan.runtime,
            "end_to_end": rounds.series.end_to_end,
        }
        warm_ups = entrant.warm_ups[rounds.series]
        reasons = ["the machine did not hold its speed"] if kept.unstable else []
        reasons += [] if all(warm_up.steady for warm_up in warm_ups) else ["never steady"]
        before_timing = [*(each.calls_ms for each in warm_ups), *(turn.settling_ms for turn in rounds.turns)]
        yield LatencyRecord.model_validate(
            {
                **setting,
                "key": digest({**setting, **machine}),
                "model": entrant.subject.model,
                "warmup_ms": [ms for calls_ms in before_timing for ms in calls_ms],
                "samples_ms": [rounds.turns[number].samples_ms for number in kept.rounds],
                "canary_ms": [[*before.samples_ms, *after.samples_ms] for before, after in beside],
                "waited_share": [rounds.turns[number].waited_share for number in kept.rounds],
                "rounds_retaken": kept.retaken,
                "unstable": bool(reasons),
                "unstable_reason": "; ".join(reasons) or None,
                "peak_memory_mb": entrant.memory_mb[rounds.series],
                "measured": datetime.now(UTC).isoformat(),
                "environment": environment,
            }
        )
