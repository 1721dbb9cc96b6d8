"""Interleaved rounds: every network has a turn in each, between two turns of a canary.

The canary tells whether the machine held its speed. What was disturbed is taken again; where that does not help, the
result says so.
"""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.errors import ProcessError
from bench.measuring.latency.networks import FORWARD, Plan, Series
from bench.measuring.latency.stopwatch import Stopwatch, Turn, WarmUp
from bench.processes.servant import Servant

DRIFT_LIMIT = 0.05
"""A round counts where the canary beside it is within 5 % of its undisturbed time, and nobody waited for a core longer
than that."""

MAX_SAMPLES_PER_TURN = 1000


class Round(NamedTuple):
    """A turn of each series of one model, and the turns that the canary had before and after them."""

    turns: Mapping[Series, Turn]
    canary: tuple[Turn, Turn]


@dataclass
class Timing:
    """One model in one runtime: the process that it has at the moment, and what has been seen of it.

    Attributes:
        plan: what the process loads.
        process: where it is timed.
        samples_per_turn: of each series that is timed, in the order in which they have their turns.
        warm_ups: of each series, one for every process that it was loaded into.
        memory_mb: the most that the first of these processes needed, by series.
        rounds: all that were taken.
        failure: why it is timed no further.
    """

    plan: Plan
    process: Servant[Stopwatch]
    samples_per_turn: dict[Series, int] = field(default_factory=dict)
    warm_ups: dict[Series, list[WarmUp]] = field(default_factory=dict)
    memory_mb: dict[Series, float] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    failure: str | None = None

    @contextmanager
    def failing_alone(self) -> Iterator[None]:
        """What its process does not do inside is its own failure."""
        try:
            yield
        except ProcessError as error:
            self.failure = str(error)


class KeptRounds(NamedTuple):
    """The rounds that count, in order, how many were disturbed, and whether the machine was too restless."""

    rounds: list[Round]
    retaken: int
    unstable: bool


@dataclass
class Canary:
    """The small fixed network that has a turn around everybody else's."""

    process: Servant[Stopwatch]
    samples_per_turn: int
    medians_ms: list[float] = field(default_factory=list)

    def turn(self) -> Turn:
        """One turn, remembered for the reference."""
        turn = self.process.begin(Stopwatch.turn, FORWARD, self.samples_per_turn).wait()
        self.medians_ms.append(statistics.median(turn.samples_ms))
        return turn

    def disturbances(self, rounds: Sequence[Round]) -> list[float]:
        """How much each round was disturbed, as a fraction of the time.

        That is the worse of two signs: the canary's drift from its undisturbed time before or after, and the share of
        the time that the canary or the model itself waited for a core. The second is needed because a processor that
        is shared in slices leaves the median of short calls as it was.
        """
        reference_ms = undisturbed_ms(self.medians_ms) if rounds else 0.0
        disturbances = []
        for turns, around in rounds:
            drifts = [abs(statistics.median(turn.samples_ms) / reference_ms - 1) for turn in around]
            disturbances.append(max(*drifts, *(turn.waited_share or 0.0 for turn in (*around, *turns.values()))))
        return disturbances

    def kept_rounds(self, rounds: Sequence[Round], wanted: int) -> KeptRounds:
        """The undisturbed of a model's rounds, where there are enough; else the least disturbed, marked unstable."""
        disturbances = self.disturbances(rounds)
        good = [number for number, disturbance in enumerate(disturbances) if disturbance <= DRIFT_LIMIT]
        least = sorted(range(len(rounds)), key=disturbances.__getitem__)[:wanted]
        enough = len(good) >= wanted
        numbers = good[:wanted] if enough else sorted(least)
        return KeptRounds([rounds[number] for number in numbers], len(rounds) - len(good), unstable=not enough)


def undisturbed_ms(medians_ms: Sequence[float]) -> float:
    """The canary's time on the machine at rest: the median of the faster third of its turns.

    Company only ever slows a processor down, so a plain median would call the slow half normal as soon as a
    disturbance lasts for more than half of the rounds; the single fastest turn would make luck the norm.
    """
    fastest = sorted(medians_ms)[: max(1, math.ceil(len(medians_ms) / 3))]
    return statistics.median(fastest)


def samples_per_turn(call_ms: float, turn_s: float) -> int:
    """How many calls fill a turn: at least one, however long it takes."""
    return max(1, min(MAX_SAMPLES_PER_TURN, round(turn_s * 1000 / call_ms)))


def take_rounds(
    timings: Sequence[Timing], canary: Canary, undisturbed: int, limit: int, on_round: Callable[[int], None]
) -> None:
    """Take up to ``limit`` rounds, until every model has so many ``undisturbed`` ones in all.

    A model whose process fails is left out from then on; its ``failure`` says why. ``on_round`` hears, after each
    round, how many models took part.
    """
    for number in range(limit):
        waiting = [
            timing
            for timing in timings
            if timing.failure is None and canary.kept_rounds(timing.rounds, undisturbed).unstable
        ]
        if not waiting:
            return
        # Every other round runs backwards: nobody always follows the same neighbour.
        for timing in waiting if number % 2 == 0 else reversed(waiting):
            _take_turns(timing, canary)
        on_round(len(waiting))


def _take_turns(timing: Timing, canary: Canary) -> None:
    before = canary.turn()
    with timing.failing_alone():
        turns = {
            series: timing.process.begin(Stopwatch.turn, series, samples).wait()
            for series, samples in timing.samples_per_turn.items()
        }
    if timing.failure is None:
        timing.rounds.append(Round(turns, (before, canary.turn())))
