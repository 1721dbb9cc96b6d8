"""Latency of several networks on this machine, measured so that they can be compared; see ``LatencySettings``."""

import functools
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bench.config.latency import LatencySettings, Runtime
from bench.errors import ConfigError, ModelError
from bench.measuring.environment import describe_environment, machine_digest, usable_cores
from bench.measuring.latency_onnx import require_onnx
from bench.measuring.latency_process import MeasuringProcess
from bench.measuring.latency_rounds import (
    CANARY_SERIES,
    CANARY_TURN_S,
    Canary,
    SeriesRounds,
    Station,
    keep,
    samples_per_turn,
    take_rounds,
)
from bench.measuring.latency_session import WarmUp
from bench.measuring.latency_target import Series, TargetPlan
from bench.records.keys import digest
from bench.records.schema import LatencyRecord
from bench.records.store import RecordStore

PROCESSES = 8
"""Measuring processes alive at once, the canary's included."""

PRECISION = "float32"
"""What latency is measured in, whatever the training used: the precision of the weights that are delivered."""


@dataclass(frozen=True)
class LatencySubject:
    """What is measured.

    Attributes:
        model: as the user typed it.
        architecture: its name in the registry (without ``@tuned``).
        options: builder options.
        variant_digest: of the variant that the latency is shown with.
    """

    model: str
    architecture: str
    options: Mapping[str, Any]
    variant_digest: str


@dataclass(frozen=True)
class LatencyProgress:
    """What is told between timings: a line for whoever watches, if there is one.

    ``failed_model`` is a model that could not be measured; ``rounds_taken`` is told after each round.
    """

    message: str | None
    failed_model: str | None = None
    rounds_taken: int | None = None


OnProgress = Callable[[LatencyProgress], None]


def measure_latencies(
    subjects: Sequence[LatencySubject], settings: LatencySettings, store: RecordStore, on_progress: OnProgress
) -> list[LatencyRecord]:
    """Measure every subject in every setting and store the raw samples.

    Nothing else of ours may run meanwhile. A model that cannot be built or run is told to ``on_progress`` and left
    out; the others go on.

    Raises:
        ConfigError: the settings do not go together.
        ModelError: a library that a runtime needs is missing, or the canary itself died.
    """
    if "onnx" in settings.runtimes:
        require_onnx()
        if settings.device != "cpu":
            raise ConfigError(f"--runtime onnx runs on the CPU; use --device cpu, not {settings.device}")
    environment = describe_environment(settings.device)
    records: list[LatencyRecord] = []
    for threads in dict.fromkeys(usable_cores() if each == "all" else each for each in settings.threads):
        campaign = _Campaign(settings, threads, environment, on_progress)
        for record in campaign.records(subjects):
            store.write_latency(record)
            records.append(record)
    return records


@dataclass
class _Entrant:
    """A subject in one runtime, with its process and what was seen of it."""

    subject: LatencySubject
    plan: TargetPlan
    process: MeasuringProcess
    station: Station
    warm_ups: dict[Series, WarmUp] = field(default_factory=dict)
    memory_mb: dict[Series, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Campaign:
    """Everything measured with one number of threads, around one canary."""

    settings: LatencySettings
    threads: int
    environment: Mapping[str, Any]
    on_progress: OnProgress

    def records(self, subjects: Sequence[LatencySubject]) -> Iterator[LatencyRecord]:
        pairs = [(subject, runtime) for runtime in self.settings.runtimes for subject in subjects]
        with self._loading_canary() as canary:
            for first in range(0, len(pairs), PROCESSES - 1):
                yield from self._heat(pairs[first : first + PROCESSES - 1], canary)

    @contextmanager
    def _loading_canary(self) -> Iterator[Callable[[], Canary]]:
        """The canary, one for all heats; it loads beside the first of them, so the result waits until it is warm."""
        process = MeasuringProcess(self.threads)
        try:
            loaded = process.begin_load(self._plan(None, {}, "torch"))

            @functools.cache
            def canary() -> Canary:
                loaded()
                warm_up = process.warm_up(CANARY_SERIES, self.settings.warm_up_limit_s)
                return Canary(process, samples_per_turn(warm_up.call_ms, CANARY_TURN_S))

            yield canary
        finally:
            process.close()

    def _heat(
        self, pairs: Sequence[tuple[LatencySubject, Runtime]], ready_canary: Callable[[], Canary]
    ) -> Iterator[LatencyRecord]:
        """Measure as many entrants as may be alive at once, interleaved."""
        names = ", ".join(dict.fromkeys(subject.model for subject, _ in pairs))
        self._tell(f"latency with {self.threads} thread{'s'[: self.threads > 1]}: loading {names}")
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-onnx-"))
            entrants = [self._entrant(subject, runtime, stack) for subject, runtime in pairs]
            self._load(entrants, folder)
            canary = ready_canary()
            for entrant in entrants:
                self._guarded(entrant, self._warm_up)
            self._tell("latency: warm, now timing in rounds")
            able = [entrant.station for entrant in entrants if entrant.station.failure is None]
            take_rounds(able, canary, self.settings, self._round_taken)
            for entrant in entrants:
                if entrant.station.failure is None:
                    yield from self._entrant_records(entrant, canary)
                else:
                    model, runtime = entrant.subject.model, entrant.plan.runtime
                    reason = f"latency of {model} in {runtime} cannot be measured: {entrant.station.failure}"
                    self.on_progress(LatencyProgress(reason, failed_model=model))

    def _entrant(self, subject: LatencySubject, runtime: Runtime, stack: ExitStack) -> _Entrant:
        process = MeasuringProcess(self.threads)
        stack.callback(process.close)
        plan = self._plan(subject.architecture, subject.options, runtime)
        return _Entrant(subject, plan, process, Station(subject.model, process))

    def _plan(self, architecture: str | None, options: Mapping[str, Any], runtime: Runtime) -> TargetPlan:
        memory_format = self.settings.memory_format if runtime == "torch" else "contiguous"
        return TargetPlan(architecture, options, runtime, self.settings.device, memory_format, self.threads)

    def _load(self, entrants: Sequence[_Entrant], folder: str) -> None:
        """Load side by side: this is the slow part of a short measurement, and nothing is timed yet."""
        waiting: list[tuple[_Entrant, Callable[[], None]]] = []
        for number, entrant in enumerate(entrants):
            try:
                if entrant.plan.runtime == "onnx":
                    entrant.plan = self._exported(entrant.plan, f"{folder}/{number}")
                waiting.append((entrant, entrant.process.begin_load(entrant.plan)))
            except ModelError as error:
                entrant.station.failure = str(error)
        for entrant, wait in waiting:
            try:
                wait()
            except ModelError as error:
                entrant.station.failure = str(error)

    def _exported(self, plan: TargetPlan, folder: str) -> TargetPlan:
        exporter = MeasuringProcess(self.threads)
        try:
            return replace(plan, onnx_files=exporter.export(plan, folder))
        finally:
            exporter.close()

    def _guarded(self, entrant: _Entrant, step: Callable[[_Entrant], None]) -> None:
        if entrant.station.failure is None:
            try:
                step(entrant)
            except ModelError as error:
                entrant.station.failure = str(error)

    def _warm_up(self, entrant: _Entrant) -> None:
        # Small batches first, and memory at once: a larger batch leaves the process fatter than it found it.
        for batch in sorted(self.settings.batches):
            for end_to_end in (False, True)[: 1 + self.settings.end_to_end]:
                series = Series(batch, end_to_end)
                warm_up = entrant.process.warm_up(series, self.settings.warm_up_limit_s)
                entrant.warm_ups[series] = warm_up
                entrant.memory_mb[series] = entrant.process.peak_memory_mb(series)
                count = samples_per_turn(warm_up.call_ms, self.settings.turn_s)
                entrant.station.rounds.append(SeriesRounds(series, count))

    def _round_taken(self, taken: int, still_waiting: int) -> None:
        extra = taken - self.settings.rounds
        disturbed = f"latency: the machine was disturbed; extra round {extra} for {still_waiting} models"
        self.on_progress(LatencyProgress(disturbed if extra > 0 else None, rounds_taken=taken))

    def _entrant_records(self, entrant: _Entrant, canary: Canary) -> Iterator[LatencyRecord]:
        station = entrant.station
        kept = keep(station, canary, self.settings.rounds)
        beside = [station.canary_turns[number] for number in kept.rounds]
        canary_ms = [[*before.samples_ms, *after.samples_ms] for before, after in beside]
        for rounds in station.rounds:
            series, warm_up = rounds.series, entrant.warm_ups[rounds.series]
            setting = {
                "variant_digest": entrant.subject.variant_digest,
                "batch": series.batch,
                "threads": self.threads,
                "device": self.settings.device,
                "precision": PRECISION,
                "memory_format": entrant.plan.memory_format,
                "runtime": entrant.plan.runtime,
                "end_to_end": series.end_to_end,
            }
            machine = {"machine": machine_digest(self.environment), "accelerator": self.environment["accelerator"]}
            reasons = ["the machine did not hold its speed"] * kept.unstable + ["never steady"] * (not warm_up.steady)
            yield LatencyRecord.model_validate(
                {
                    **setting,
                    "key": digest({**setting, **machine}),
                    "model": entrant.subject.model,
                    "warmup_ms": [*warm_up.calls_ms, *(ms for turn in rounds.turns for ms in turn.settling_ms)],
                    "samples_ms": [rounds.turns[number].samples_ms for number in kept.rounds],
                    "canary_ms": canary_ms,
                    "waited_share": [rounds.turns[number].waited_share for number in kept.rounds],
                    "rounds_retaken": kept.retaken,
                    "unstable": bool(reasons),
                    "unstable_reason": "; ".join(reasons) or None,
                    "peak_memory_mb": entrant.memory_mb[series],
                    "measured": datetime.now(UTC).isoformat(),
                    "environment": self.environment,
                }
            )

    def _tell(self, message: str) -> None:
        self.on_progress(LatencyProgress(message))
