"""A campaign: everything measured with one number of threads, around one canary."""

import functools
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bench.config.latency import LatencySettings, Runtime
from bench.errors import ProcessError
from bench.measuring.latency.process import MeasuringProcess
from bench.measuring.latency.rounds import (
    CANARY_SERIES,
    CANARY_TURN_S,
    Canary,
    Kept,
    Quota,
    SeriesRounds,
    Station,
    keep,
    samples_per_turn,
    take_rounds,
)
from bench.measuring.latency.target import Series, TargetPlan
from bench.measuring.latency.timing import WarmUp

PROCESSES = 8
"""Measuring processes alive at once, the canary's included."""


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


NOTHING_KEPT = Kept((), 0, unstable=True)


@dataclass
class Entrant:
    """A subject in one runtime, the process it has at the moment, and what was seen of it.

    ``kept`` is known once it was measured.
    """

    subject: LatencySubject
    plan: TargetPlan
    process: MeasuringProcess
    station: Station
    warm_ups: dict[Series, list[WarmUp]] = field(default_factory=dict)
    memory_mb: dict[Series, float] = field(default_factory=dict)
    kept: Kept = NOTHING_KEPT


@dataclass(frozen=True)
class Campaign:
    """Measures subjects in as many heats as the limit of processes demands; one canary watches over all of them."""

    settings: LatencySettings
    threads: int
    on_progress: Callable[[LatencyProgress], None]

    def measure(self, subjects: Sequence[LatencySubject]) -> Iterator[Entrant]:
        """Yield the entrants that could be measured; the others are told to ``on_progress``.

        Raises:
            ProcessError: the canary died.
        """
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

    def _heat(self, pairs: Sequence[tuple[LatencySubject, Runtime]], canary: Callable[[], Canary]) -> Iterator[Entrant]:
        """Measure as many entrants as may be alive at once, interleaved."""
        names = ", ".join(dict.fromkeys(subject.model for subject, _ in pairs))
        self._tell(f"latency with {self.threads} thread{'s'[: self.threads > 1]}: {names}")
        entrants = [self._entrant(subject, runtime) for subject, runtime in pairs]
        rounds_taken = 0

        def round_taken(stations: int) -> None:
            nonlocal rounds_taken
            rounds_taken += 1
            extra = rounds_taken - self.settings.rounds
            of_whom = "one model" if stations == 1 else f"{stations} models"
            disturbed = f"latency: the machine was disturbed; extra round {extra} for {of_whom}"
            self.on_progress(LatencyProgress(disturbed if extra > 0 else None, rounds_taken=rounds_taken))

        with tempfile.TemporaryDirectory(prefix="bench-onnx-") as folder:
            self._export(entrants, folder)
            for start in range(self._starts):
                with self._fresh_processes(entrants):
                    ready = canary()
                    for entrant in _able(entrants):
                        with self._failures_of(entrant):
                            self._warm_up(entrant)
                    stations = [entrant.station for entrant in _able(entrants)]
                    take_rounds(stations, ready, self._quota(start), round_taken)
        for entrant in entrants:
            if entrant.station.failure is None:
                entrant.kept = keep(entrant.station, ready, self.settings.rounds)
                yield entrant
            else:
                model, runtime = entrant.subject.model, entrant.plan.runtime
                reason = f"latency of {model} in {runtime} cannot be measured: {entrant.station.failure}"
                self.on_progress(LatencyProgress(reason, failed_model=model))

    def _quota(self, start: int) -> Quota:
        """Rounds are spread evenly over the starts; what one of them lacks, the next ones make up for."""
        undisturbed = math.ceil(self.settings.rounds * (start + 1) / self._starts)
        return Quota(undisturbed, math.ceil((self.settings.rounds + self.settings.extra_rounds) / self._starts))

    @property
    def _starts(self) -> int:
        return min(self.settings.starts, self.settings.rounds)

    def _entrant(self, subject: LatencySubject, runtime: Runtime) -> Entrant:
        process = MeasuringProcess(self.threads)
        plan = self._plan(subject.architecture, subject.options, runtime)
        return Entrant(subject, plan, process, Station(subject.model, process))

    @contextmanager
    def _fresh_processes(self, entrants: Sequence[Entrant]) -> Iterator[None]:
        """Processes that loaded their networks side by side: the slow part, and nothing is timed yet.

        Where its memory happens to lie makes the same network some percent faster in one process than in the next.
        No round within a process can show that, so the rounds are spread over several.
        """
        with ExitStack() as stack:
            loading: list[tuple[Entrant, Callable[[], None]]] = []
            for entrant in _able(entrants):
                entrant.process = MeasuringProcess(self.threads)
                entrant.station.timer = entrant.process
                stack.callback(entrant.process.close)
                with self._failures_of(entrant):
                    loading.append((entrant, entrant.process.begin_load(entrant.plan)))
            for entrant, loaded in loading:
                with self._failures_of(entrant):
                    loaded()
            yield

    def _plan(self, architecture: str | None, options: Mapping[str, Any], runtime: Runtime) -> TargetPlan:
        memory_format = self.settings.memory_format if runtime == "torch" else "contiguous"
        return TargetPlan(architecture, options, runtime, self.settings.device, memory_format, self.threads)

    def _export(self, entrants: Sequence[Entrant], folder: str) -> None:
        """Export what ONNX Runtime needs, in processes that end before anything is timed."""
        for entrant in entrants:
            if entrant.plan.runtime == "onnx":
                exporter = MeasuringProcess(self.threads)
                with self._failures_of(entrant):
                    files = exporter.export(entrant.plan, f"{folder}/{entrants.index(entrant)}")
                    entrant.plan = replace(entrant.plan, onnx_files=files)
                exporter.close()

    @contextmanager
    def _failures_of(self, entrant: Entrant) -> Iterator[None]:
        """What goes wrong inside is this entrant's alone."""
        try:
            yield
        except ProcessError as error:
            entrant.station.failure = str(error)

    def _warm_up(self, entrant: Entrant) -> None:
        # Small batches first, and memory at once: a larger batch leaves the process fatter than it found it.
        first_start = not entrant.station.rounds
        for batch in sorted(self.settings.batches):
            for end_to_end in (False, True)[: 1 + self.settings.end_to_end]:
                series = Series(batch, end_to_end)
                warm_up = entrant.process.warm_up(series, self.settings.warm_up_limit_s)
                entrant.warm_ups.setdefault(series, []).append(warm_up)
                if first_start:
                    entrant.memory_mb[series] = entrant.process.peak_memory_mb(series)
                    count = samples_per_turn(warm_up.call_ms, self.settings.turn_s)
                    entrant.station.rounds.append(SeriesRounds(series, count))

    def _tell(self, message: str) -> None:
        self.on_progress(LatencyProgress(message))


def _able(entrants: Sequence[Entrant]) -> list[Entrant]:
    return [entrant for entrant in entrants if entrant.station.failure is None]
