"""The resolution floor of a whole run, and a forecast of what would lower it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.comparing.pair_tests import floors_px
from bench.comparing.row_losses import Numbers
from bench.comparing.spread import Spread
from bench.config.model_names import is_ensemble, members_of

Means = Literal["seeds", "folds", "people"]


@dataclass(frozen=True)
class Forecast:
    """What one change of the protocol would do to the floor.

    Attributes:
        means: what there is more of.
        before, after: how many.
        floor_px: the floor to expect.
        interval_px: 95 % for the floor that such a run would print.
        more_training: additional training time, as a share of what was spent.
    """

    means: Means
    before: int
    after: int
    floor_px: float
    interval_px: tuple[float, float]
    more_training: float


@dataclass(frozen=True)
class ResolutionFloor:
    """What a run resolves: the pairs' own floors, over the pairs of networks that share no training.

    An ensemble and its member resemble each other, so that their floor says nothing of any other pair's.

    Attributes:
        difference_px: the median.
        range_px: the lowest and the highest.
        pairs: how many pairs that is.
        forecasts: best first. None without two seeds of all these networks: one seed does not tell what a training
            brings from what people bring, so that nothing is known about more of either.
    """

    difference_px: float
    range_px: tuple[float, float]
    pairs: int
    forecasts: tuple[Forecast, ...] | None


def resolution_floor(
    found: Spread, models: Sequence[str], gate: NDArray[np.bool_], pairs: NDArray[np.int64]
) -> ResolutionFloor | None:
    """The floor of a run; None where no two networks share nothing, or where nothing is known about noise.

    Args:
        found: errors and what is known of their uncertainty.
        models: the names.
        gate: which of them are gates: (M,).
        pairs: how many pairs each is corrected with: (M, M).
    """
    trainings = [frozenset(members_of(name) if is_ensemble(name) else (name,)) for name in models]
    first, second = np.triu_indices(len(models), k=1)
    apart = np.array([not trainings[a] & trainings[b] for a, b in zip(first, second, strict=True)], dtype=bool)
    counted = apart & ~gate[first] & ~gate[second] & np.isfinite(found.log_variance[first, second])
    if not counted.any():
        return None
    first, second = first[counted], second[counted]
    floors = floors_px(found, pairs)[first, second]
    measured = bool((found.measured[first] & found.measured[second]).all())
    return ResolutionFloor(
        difference_px=float(np.median(floors)),
        range_px=(float(floors.min()), float(floors.max())),
        pairs=len(floors),
        forecasts=_forecasts(found, pairs, first, second) if measured else None,
    )


def _forecasts(
    found: Spread, pairs: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[Forecast, ...]:
    """Twice the seeds, folds or people: forecasts over the pairs of these models, the lowest floor first."""
    seeds = int(np.median(found.seeds[first, second]))
    more_seeds = max(2 * seeds, 3)
    changes: tuple[tuple[Means, int, int, float], ...] = (
        ("seeds", seeds, more_seeds, more_seeds / seeds - 1),
        # New folds are new trainings, twice as many, each on a larger part.
        ("folds", found.folds, 2 * found.folds, (2 * found.folds - 1) / max(found.folds - 1, 1)),
        ("people", found.groups, 2 * found.groups, 2.0),
    )
    forecasts = []
    for means, before, after, more_training in changes:
        changed, doubt = _changed(found, {means: after / before})
        floors = floors_px(changed, pairs)[first, second]
        expected = float(np.median(floors))
        # A variance of f degrees of freedom is off by about the root of 2 / f of itself, its root by half of that: the
        # one that is forecast, and the one that will be found. The medians of many pairs are surer than that.
        off = np.median(np.sqrt(doubt[first, second] + 0.5 / changed.degrees[first, second]))
        factor = float(np.exp(1.96 * off))
        forecasts.append(
            Forecast(means, before, after, expected, (expected / factor, expected * factor), more_training)
        )
    return tuple(sorted(forecasts, key=lambda one: one.floor_px))


def _changed(found: Spread, times: Mapping[Means, float]) -> tuple[Spread, Numbers]:
    """The spread to expect of a protocol with so many times the seeds, folds or people.

    Beside it the variance of the logarithm of each expected standard error (M, M).
    """
    seeds, folds, people = (times.get(means, 1.0) for means in ("seeds", "folds", "people"))
    seed = found.seed_people / (seeds * people) + found.seed_cell / (seeds * folds)
    person, split = found.people / people, found.data_split / folds
    now = found.people + found.seed_people + found.seed_cell + found.data_split
    then = seed + person + split
    shared = np.maximum(found.seeds, 2)
    seed_degrees = found.seed_degrees * folds * (shared * seeds - 1) / (shared - 1)
    doubt = _doubt(seed, found.seed_degrees) + _doubt(person, found.groups - 1) + _doubt(split, found.folds - 1)
    doubt_then = (
        _doubt(seed, seed_degrees) + _doubt(person, found.groups * people - 1) + _doubt(split, found.folds * folds - 1)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = np.where(doubt_then > 0, then**2 / doubt_then, np.inf)
        log_variance = np.where(now > 0, found.log_variance * then / now, 0.0)
        own = np.where(then > 0, 0.5 * doubt / then**2, 0.0)
    return replace(found, log_variance=log_variance, degrees=degrees), own


def _doubt(variance: Numbers, degrees: Numbers | float) -> Numbers:
    """What a part adds to the squared variance over degrees of freedom of a sum (Satterthwaite)."""
    return np.asarray(variance**2 / np.maximum(degrees, 1))
