"""A race: which of many networks can no longer be the best, look by look.

A look comes after one more fold of one more seed. A network leaves where some rival that is still in is better by a
one-sided test at ``level`` / (looks x rivals). So the best network is dropped with a probability of at most ``level``
over the whole race, however looks and pairs depend on one another (Bonferroni). Races are Maron and Moore (1994),
"Hoeffding races", with their bound over all looks; the test of two networks is paired by what they were scored on, as
in F-Race (Birattari et al. 2002), here by people and folds (:mod:`bench.comparing.moderated`).

All that is decided follows from records alone, in a fixed order: a race that was killed decides the same again, and a
report says why a network left without having been there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.comparing.moderated import moderated
from bench.comparing.observations import Observations
from bench.comparing.row_losses import RowLosses, row_losses
from bench.comparing.selection import Entry, Selection

LEVEL = 0.01
"""With what probability a race may drop the best network, over all its looks."""
Place = tuple[int, int]
"""Seed and fold of a look, both from 0."""


@dataclass(frozen=True)
class Departure:
    """Why a network is no longer in a race.

    Attributes:
        model: its name.
        looks: how many it took part in.
        reason: another one is better, a training failed, or the budget had no time left for it.
        behind: the better one; None for other reasons, like what follows.
        difference_px: RMSE less that of ``behind``, on the cells that both had then.
        interval_px: 95 % for that difference alone.
    """

    model: str
    looks: int
    reason: Literal["worse", "failed", "unpaid"]
    behind: str | None = None
    difference_px: float | None = None
    interval_px: tuple[float, float] | None = None


@dataclass(frozen=True)
class Runner:
    """What is known of one network in a race, by the places of its cells.

    Attributes:
        done: those that have a score.
        failed: those that failed.
        pending: those that are to be trained yet, whatever is recorded of them.
        unpaid_after: after so many looks no time was left for it; None where there was.
    """

    done: Collection[Place]
    failed: Collection[Place] = ()
    pending: Collection[Place] = ()
    unpaid_after: int | None = None

    @classmethod
    def of(cls, entry: Entry, models: Sequence[str], pending: Collection[Place] = ()) -> "Runner":
        """What the records of a network say in the race of these ``models``."""
        facts, failed = entry.asked.race, {(cell.seed, cell.fold) for cell in entry.failed}
        ran_out = facts is not None and facts.models == tuple(models)
        return cls(entry.places, failed, pending, facts.unpaid_after if facts is not None and ran_out else None)

    def lacks(self, place: Place) -> bool:
        """Whether it has yet to show what it does there."""
        return place in self.pending or not (place in self.done or place in self.failed)


@dataclass(frozen=True)
class Layout:
    """How long a race may get, and with what probability it may drop the best network."""

    folds: int
    seeds: int
    level: float = LEVEL

    @property
    def places(self) -> tuple[Place, ...]:
        """The looks in their order: all folds of the first seed, then of the next."""
        return tuple((seed, fold) for seed in range(self.seeds) for fold in range(self.folds))


@dataclass(frozen=True)
class Standing:
    """How a race stands.

    Attributes:
        looks: how many are decided; the race is over before all of them where nobody is left.
        still_in: the networks, best first (as given before the first look).
        departures: of the others, in the order in which they left.
        next: the look that lacks cells; None at the end.
        waited_for: the networks that lack theirs.
    """

    looks: int
    still_in: tuple[str, ...]
    departures: tuple[Departure, ...]
    next: Place | None
    waited_for: tuple[str, ...] = ()


def race(observations: Observations, runners: Mapping[str, Runner], layout: Layout) -> Standing:
    """Decide every look whose cells are there; the same records always decide the same.

    After the last look nobody leaves: what is complete is ranked, and the ranking has tests of its own.
    """
    still, gone = list(runners), list[Departure]()
    for look, place in enumerate(layout.places):
        gone += [Departure(model, look, "unpaid") for model in still if runners[model].unpaid_after == look]
        still = _without(still, gone)
        waited_for = tuple(model for model in still if runners[model].lacks(place))
        if waited_for or not still:
            return Standing(look, tuple(still), tuple(gone), place if still else None, waited_for)
        gone += [Departure(model, look, "failed") for model in still if place not in runners[model].done]
        still = _without(still, gone)
        if still:
            losses = _until(observations, still, layout.places[: look + 1])
            still = [losses.models[position] for position in np.argsort(losses.rmse_px, kind="stable")]
            if place != layout.places[-1]:
                gone += _left_behind(losses, layout, rivals=len(runners) - 1, looks=look + 1)
                still = _without(still, gone)
    return Standing(len(layout.places), tuple(still), tuple(gone), None)


def departures(selection: Selection, observations: Observations) -> dict[str, Departure]:
    """Of every network that a race dropped, by name, out of the records of a board."""
    entries, found = selection.entries, dict[str, Departure]()
    raced = {model: entry.asked.race for model, entry in entries.items() if entry.asked.race is not None}
    layouts = {
        facts.models: Layout(entries[model].folds, entries[model].seeds, facts.level) for model, facts in raced.items()
    }
    for models, layout in layouts.items():
        runners = {model: Runner.of(entries[model], models) for model in models if model in entries}
        for gone in race(observations, runners, layout).departures:
            # Of another race, or with all its cells since then, it has not left.
            if gone.model in raced and raced[gone.model].models == models and not entries[gone.model].complete:
                found[gone.model] = gone
    return found


def _without(models: Sequence[str], gone: Sequence[Departure]) -> list[str]:
    names = {departure.model for departure in gone}
    return [model for model in models if model not in names]


def _left_behind(losses: RowLosses, layout: Layout, *, rivals: int, looks: int) -> list[Departure]:
    """The networks that leave after so many looks, worst first."""
    found = moderated(losses, layout.folds)
    p, each = found.p_worse, layout.level / ((len(layout.places) - 1) * max(rivals, 1))
    gone = []
    for model in np.argsort(-losses.rmse_px, kind="stable").tolist():
        rival = int(np.argmin(p[model]))
        if p[model, rival] <= each:
            by, interval = float(found.difference_px[model, rival]), found.interval_px((model, rival))
            gone.append(Departure(losses.models[model], looks, "worse", losses.models[rival], by, interval))
    return gone


def _until(observations: Observations, models: Sequence[str], places: Sequence[Place]) -> RowLosses:
    """Losses of these models as they were after these looks, whatever was recorded since."""
    predictions, seeds = {}, {}
    for model in models:
        kept = {}
        for seed, predicted in observations.by_seed(model).items():
            folds = [fold for of_seed, fold in places if of_seed == seed]
            if folds:
                known = np.isin(observations.fold_of_row, folds)
                kept[seed] = np.where(known[:, None, None], predicted, np.float32(np.nan))
        predictions[model], seeds[model] = np.stack([*kept.values()]), tuple(kept)
    return row_losses(replace(observations, predictions=predictions, seeds=seeds))
