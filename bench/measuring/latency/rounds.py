"""Interleaved rounds: every network has a turn in each, between two turns of a canary.

The canary tells whether the machine held its speed. What was disturbed is taken again; where that does not help, the
result says so.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from bench.errors import ProcessError
from bench.measuring.latency.target import Series
from bench.measuring.latency.timing import Turn

DRIFT_LIMIT = 0.05
"""A round counts where the canary beside it is within 5 % of its undisturbed time, and nobody waited for a core longer
than that."""

CANARY_TURN_S = 0.025
MAX_SAMPLES_PER_TURN = 1000
CANARY_SERIES = Series(1, False)


class Timer(Protocol):
    """Whatever can time a series: a :class:`MeasuringProcess`."""

    def turn(self, series: Series, samples: int) -> Turn:
        """Time this many calls."""
        ...


@dataclass
class SeriesRounds:
    """One series of one network, with the turns taken so far."""

    series: Series
    samples_per_turn: int
    turns: list[Turn] = field(default_factory=list)


@dataclass
class Station:
    """One network in its process; ``canary_turns`` holds, per round, the canary's turns before and after its own."""

    name: str
    timer: Timer
    rounds: list[SeriesRounds] = field(default_factory=list)
    canary_turns: list[tuple[Turn, Turn]] = field(default_factory=list)
    failure: str | None = None


@dataclass(frozen=True)
class Kept:
    """Which rounds of a station count: their numbers in order, and whether the machine was too restless."""

    rounds: tuple[int, ...]
    retaken: int
    unstable: bool


class Quota(NamedTuple):
    """When to stop: every station has so many ``undisturbed`` rounds in all, or ``limit`` more were taken."""

    undisturbed: int
    limit: int


@dataclass
class Canary:
    """The small fixed network that has a turn around everybody else's."""

    timer: Timer
    samples_per_turn: int
    medians_ms: list[float] = field(default_factory=list)

    def turn(self) -> Turn:
        """One turn, remembered for the reference."""
        turn = self.timer.turn(CANARY_SERIES, self.samples_per_turn)
        self.medians_ms.append(statistics.median(turn.samples_ms))
        return turn

    def disturbances(self, station: Station) -> list[float]:
        """How much each round of a station was disturbed, as a fraction of the time.

        That is the worse of two signs: the canary's drift from its undisturbed time before or after, and the share of
        the time that the canary or the station itself waited for a core. The second is needed because a processor
        that is shared in slices leaves the median of short calls as it was.
        """
        reference_ms = undisturbed_ms(self.medians_ms)
        disturbances = []
        for number, around in enumerate(station.canary_turns):
            drifts = [abs(statistics.median(turn.samples_ms) / reference_ms - 1) for turn in around]
            turns = [*around, *(rounds.turns[number] for rounds in station.rounds)]
            disturbances.append(max(*drifts, *(turn.waited_share or 0.0 for turn in turns)))
        return disturbances


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
    stations: Sequence[Station],
    canary: Canary,
    quota: Quota,
    on_round: Callable[[int], None],
) -> None:
    """Take rounds until every station has enough undisturbed ones, or no more may be taken.

    A station whose process fails is left out from then on; its ``failure`` says why. ``on_round`` hears, after each
    round, how many stations took part.
    """
    for number in range(quota.limit):
        waiting = [station for station in stations if _needs_a_round(station, canary, quota.undisturbed)]
        if not waiting:
            return
        # Every other round runs backwards: nobody always follows the same neighbour.
        for station in waiting if number % 2 == 0 else reversed(waiting):
            _take_turns(station, canary)
        on_round(len(waiting))


def keep(station: Station, canary: Canary, wanted: int) -> Kept:
    """Choose the rounds of a station that count.

    The undisturbed ones, where there are enough; else the least disturbed of all, marked unstable.
    """
    disturbances = canary.disturbances(station)
    good = [number for number, disturbance in enumerate(disturbances) if disturbance <= DRIFT_LIMIT]
    retaken = len(disturbances) - len(good)
    if len(good) >= wanted:
        return Kept(tuple(good[:wanted]), retaken, unstable=False)
    least = sorted(range(len(disturbances)), key=disturbances.__getitem__)[:wanted]
    return Kept(tuple(sorted(least)), retaken, unstable=True)


def _needs_a_round(station: Station, canary: Canary, wanted: int) -> bool:
    if station.failure is not None:
        return False
    if not station.canary_turns:
        return True
    good = sum(disturbance <= DRIFT_LIMIT for disturbance in canary.disturbances(station))
    return good < wanted


def _take_turns(station: Station, canary: Canary) -> None:
    before = canary.turn()
    try:
        taken = [station.timer.turn(rounds.series, rounds.samples_per_turn) for rounds in station.rounds]
    except ProcessError as error:
        station.failure = str(error)
        return
    for rounds, turn in zip(station.rounds, taken, strict=True):
        rounds.turns.append(turn)
    station.canary_turns.append((before, canary.turn()))
