"""The resolution floor: the difference that a run finds in four cases out of five, and what would lower it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.comparing.pair_tests import SIGNIFICANCE
from bench.comparing.spread import Contrast, Spread, critical, widening

POWER = 0.80
Means = Literal["seeds", "folds", "people"]


@dataclass(frozen=True)
class ResolutionFloor:
    """The difference in pixels that this run would have found in four cases out of five.

    (t.975 + t.80) times the standard error of a difference, the first quantile at the level that Holm's first step asks
    of ``pairs`` pairs. It is the median over the pairs that decide who is best: the best candidate with the runner-up
    and with all that tie with it. Far worse candidates, whose errors vary more, do not blur it. ``contrast`` holds the
    median pair's variance parts, ``seeds`` what both of the pair have.
    """

    difference_px: float
    standard_error_px: float
    pairs: int
    seeds: int
    contrast: Contrast


@dataclass(frozen=True)
class Improvement:
    """What one change of the protocol would do: expected floor and additional training time."""

    means: Means
    before: int
    after: int
    floor_px: float
    extra_minutes: float


def resolution_floor(found: Spread, candidates: Sequence[int], leading: Sequence[int]) -> ResolutionFloor | None:
    """The floor of a run; None with fewer than two candidates, or where nothing is known about noise.

    Args:
        found: errors and their covariance.
        candidates: positions, best first.
        leading: those that tie with the best, itself included.
    """
    if len(candidates) < 2:
        return None
    best, runner_up = candidates[:2]
    rivals = np.array(sorted({runner_up, *leading} - {best}), dtype=np.int64)
    rivals = rivals[np.isfinite(found.variance[best, rivals]) & np.isfinite(found.degrees[best, rivals])]
    if not rivals.size:
        return None
    pairs = len(candidates) * (len(candidates) - 1) // 2
    errors = np.sqrt(found.variance[best, rivals])
    floors = _multiplier(found.degrees[best, rivals], pairs) * errors
    middle = int(np.argsort(floors, kind="stable")[(len(floors) - 1) // 2])
    rival = int(rivals[middle])
    shared = int(found.seeds[best, rival])
    return ResolutionFloor(float(floors[middle]), float(errors[middle]), pairs, shared, found.contrast(best, rival))


def improvements(floor: ResolutionFloor, train_minutes: float) -> tuple[Improvement, ...]:
    """Twice the seeds, folds or people: the expected floor of each and the minutes it costs, best floor first.

    Args:
        floor: of the run as it stands.
        train_minutes: what its candidates took to train, all cells together.
    """
    seeds, folds, groups = floor.seeds, floor.contrast.folds, floor.contrast.groups
    more_seeds = max(2 * seeds, 3)
    changes: tuple[tuple[Means, int, int, float], ...] = (
        ("seeds", seeds, more_seeds, more_seeds / seeds - 1),
        # New folds are new trainings, twice as many, each on a larger part.
        ("folds", folds, 2 * folds, (2 * folds - 1) / max(folds - 1, 1)),
        ("people", groups, 2 * groups, 2.0),
    )
    found = [
        Improvement(means, before, after, _floor_px(floor, {means: after}), share * train_minutes)
        for means, before, after, share in changes
    ]
    return tuple(sorted(found, key=lambda one: one.floor_px))


def _floor_px(floor: ResolutionFloor, changed: Mapping[Means, int]) -> float:
    """The floor that a changed protocol should have."""
    now = floor.contrast
    seeds = changed.get("seeds", floor.seeds)
    folds, groups = changed.get("folds", now.folds), changed.get("people", now.groups)
    by_seeds, by_folds, by_groups = floor.seeds / seeds, now.folds / folds, now.groups / groups
    if now.weak:
        # Nothing tells people from training; what is sure is that more people shrink both.
        plain = now.variance / widening(now.folds) * by_groups
        if seeds > 1:
            degrees = 2.0 * folds * (seeds - 1)
        else:
            plain, degrees = plain * widening(folds), folds - 1.0
        return float(_multiplier(np.array(degrees), floor.pairs) * np.sqrt(plain))
    seed = now.seed_people * by_seeds * by_groups + now.seed_cell * by_seeds * by_folds
    people, split = now.people * by_groups, now.data_split * by_folds
    seed_degrees = now.seed_degrees * (folds * (seeds - 1)) / (now.folds * max(floor.seeds - 1, 1))
    doubt = seed**2 / seed_degrees + people**2 / max(groups - 1, 1) + split**2 / max(folds - 1, 1)
    variance = seed + people + split
    degrees = variance**2 / doubt if doubt > 0 else np.inf
    return float(_multiplier(np.array(degrees), floor.pairs) * np.sqrt(variance))


def _multiplier(degrees: NDArray[np.float64], pairs: int) -> NDArray[np.float64]:
    return critical(degrees, 1 - SIGNIFICANCE / 2 / pairs) + critical(degrees, POWER)
