"""How uncertain an RMSE, and a difference of two, is as a statement about training procedures.

The RMSE of a model is linearised (Taylor, as for any ratio estimator; Cochran 1977, ch. 6): each scored row has an
influence in pixels, and the influences of all rows sum to the deviation of the RMSE from its expectation. Three things
make that sum vary:

- people: other people would have been scored. Cluster sandwich over groups (Liang & Zeger 1986), as Bayle et al. (2020)
  justify for cross-validation;
- training seed: each cell would have been trained otherwise. Variance between the seeds of one cell;
- data split: training parts differ between folds by more than people and seeds explain.

With two seeds or more each part is measured. With one seed, people and training cannot be told apart: the variance
between folds stands for both. For a difference it is widened by n_test/n_train for overlapping training parts (the
corrected resampled t-test, Nadeau & Bengio 2003): whom to call better must not rest on folds that resemble one another.
A model's own interval is not widened: the scored parts are disjoint, which for a stable procedure is enough (Bayle
et al. 2020), and the widened one covered 98 % where 95 % is claimed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.comparing.row_losses import Numbers, RowLosses


@dataclass(frozen=True)
class Contrast:
    """Variance parts of one quantity (an RMSE or a difference), in px^2.

    Attributes:
        people: as if the models were trained without any randomness.
        seed_people: training randomness that differs from person to person; falls with seeds and with people.
        seed_cell: training randomness that a whole cell shares; falls with seeds and with folds.
        data_split: what folds differ by beyond the other parts.
        seed_degrees: degrees of freedom of the seed parts.
        weak: one seed: ``people`` stands for everything, from differences between folds.
    """

    people: float
    seed_people: float
    seed_cell: float
    data_split: float
    seed_degrees: float
    groups: int
    folds: int
    weak: bool

    @property
    def variance(self) -> float:
        """The sum of the parts."""
        return self.people + self.seed_people + self.seed_cell + self.data_split


@dataclass(frozen=True)
class Spread:
    """Errors of M models and what is known about their uncertainty.

    Attributes:
        rmse_px: float64 (M,).
        variance: float64 (M, M): of the difference of two models, px^2; on the diagonal, of a model itself. NaN
            where a run says nothing about it (one fold and one seed).
        degrees: float64 (M, M): degrees of freedom of ``variance``.
        people, seed_total, seed_people, between_folds: float64 (M, M) covariances of the parts.
        measured: bool (M,): whether training randomness was measured (two seeds or more, or none to measure).
    """

    rmse_px: Numbers
    variance: Numbers
    degrees: Numbers
    people: Numbers
    seed_total: Numbers
    seed_people: Numbers
    between_folds: Numbers
    seed_degrees: Numbers
    measured: NDArray[np.bool_]
    groups: int
    folds: int

    def contrast(self, first: int, second: int) -> Contrast:
        """The parts of one difference, or of one model where both positions are equal."""
        weak = not (self.measured[first] and self.measured[second])
        variance = float(self.variance[first, second])
        if weak:
            return Contrast(variance, 0.0, 0.0, 0.0, self.folds - 1.0, self.groups, self.folds, True)
        people, total, within = (
            float(of_differences(part)[first, second]) for part in (self.people, self.seed_total, self.seed_people)
        )
        pure_people, seed_people = max(people - within, 0.0), min(within, total)
        measured = max(people, total, people - within + total)
        seed_cell = max(measured - pure_people - seed_people, 0.0)
        return Contrast(
            people=pure_people,
            seed_people=seed_people,
            seed_cell=seed_cell,
            data_split=max(variance - pure_people - seed_people - seed_cell, 0.0),
            seed_degrees=float(self.seed_degrees[first, second]),
            groups=self.groups,
            folds=self.folds,
            weak=False,
        )


def spread(losses: RowLosses) -> Spread:
    """Estimate every variance that ranks, intervals and tests are built on."""
    count = len(losses.models)
    rmse_px = np.sqrt([losses.mean_squared_px2(model) for model in range(count)])
    by_group = [_group_influence(losses, model, float(rmse_px[model])) for model in range(count)]
    by_fold = [losses.fold_sums(found) for found in by_group]
    group_means = np.array([found.mean(axis=0) for found in by_group])
    fold_means = np.array([found.mean(axis=0) for found in by_fold])
    groups, folds = losses.group_count, losses.fold_count
    measured = np.array(
        [losses.kinds[name] == "gate" or losses.seeds(model) > 1 for model, name in enumerate(losses.models)]
    )
    parts = {
        "people": group_means @ group_means.T * _unbiased(groups),
        "between_folds": fold_means @ fold_means.T * _unbiased(folds),
        "seed_total": _seed_covariance(losses, by_fold),
        "seed_people": _seed_covariance(losses, by_group),
    }
    seed_degrees = _seed_degrees(losses, parts["seed_total"])
    variance, degrees = _combine(parts, seed_degrees, measured, groups, folds)
    return Spread(
        rmse_px=rmse_px,
        variance=variance,
        degrees=degrees,
        **parts,
        seed_degrees=seed_degrees,
        measured=measured,
        groups=groups,
        folds=folds,
    )


def of_differences(covariance: Numbers) -> Numbers:
    """Covariances (M, M) -> variances of differences (M, M), with each model's own variance on the diagonal."""
    own = np.diagonal(covariance)
    between = own[:, None] + own[None, :] - 2 * covariance
    np.fill_diagonal(between, own)
    return np.asarray(np.maximum(between, 0.0))


def critical(degrees: Numbers | float, probability: float) -> Numbers:
    """Quantile of Student's t, elementwise; NaN where there are no degrees of freedom."""
    return np.asarray(stats.t.ppf(probability, degrees))


def _unbiased(count: int) -> float:
    return count / (count - 1) if count > 1 else 0.0


def _group_influence(losses: RowLosses, model: int, rmse_px: float) -> Numbers:
    """Deviation of the RMSE in px that each group brings, per seed: (S, G)."""
    squared = losses.squared_px2[model]
    if rmse_px == 0:
        return np.zeros((len(squared), losses.group_count))
    centred = losses.group_sums(squared - rmse_px**2 * losses.counts)
    return np.asarray(centred / (2 * rmse_px * float(losses.counts.sum())))


def _seed_covariance(losses: RowLosses, sums: list[Numbers]) -> Numbers:
    """Covariance over seeds of each unit's sum, added up over units, for the mean of the seeds: (M, M).

    Two networks are trained independently of each other; an ensemble shares its members' trainings.
    """
    count = len(sums)
    covariance = np.zeros((count, count))
    centred = [found - found.mean(axis=0) for found in sums]
    shared = [losses.kinds[name] == "ensemble" for name in losses.models]
    for first in range(count):
        for second in range(first + 1):
            seeds = len(sums[first])
            related = first == second or shared[first] or shared[second]
            if related and seeds > 1 and len(sums[second]) == seeds:
                value = float((centred[first] * centred[second]).sum()) / (seeds - 1) / seeds
                covariance[first, second] = covariance[second, first] = value
    return covariance


def _seed_degrees(losses: RowLosses, seed_total: Numbers) -> Numbers:
    """Satterthwaite degrees of freedom of the seed part of each difference (M, M); infinite where it is zero."""
    own = np.diagonal(seed_total)
    single = np.array([losses.fold_count * (losses.seeds(model) - 1.0) for model in range(len(own))])
    weight = np.divide(own**2, single, out=np.zeros_like(own), where=single > 0)
    pooled, weights = own[:, None] + own[None, :], weight[:, None] + weight[None, :]
    degrees = np.divide(pooled**2, weights, out=np.full_like(pooled, np.inf), where=weights > 0)
    np.fill_diagonal(degrees, np.where(single > 0, single, np.inf))
    return np.asarray(degrees)


def _combine(
    parts: dict[str, Numbers], seed_degrees: Numbers, measured: NDArray[np.bool_], groups: int, folds: int
) -> tuple[Numbers, Numbers]:
    """Variance and degrees of freedom (Satterthwaite) of every difference."""
    people, total, within, between = (
        of_differences(parts[name]) for name in ("people", "seed_total", "seed_people", "between_folds")
    )
    # Sampled people and seed noise overlap in `within`; neither part alone can exceed the whole.
    known = np.maximum(np.maximum(people, total), people - within + total)
    if folds > 1:
        split = np.maximum(between - known, 0.0)
        overlap = np.where(np.eye(len(between), dtype=bool), 0.0, folds / (folds - 1))
        weak_variance, weak_degrees = between * (1 + overlap), folds - 1.0
    else:
        split = np.zeros_like(known)
        weak_variance, weak_degrees = np.full_like(known, np.nan), np.nan
    strong = known + split
    doubt = total**2 / seed_degrees + split**2 / max(folds - 1, 1) + people**2 / max(groups - 1, 1)
    degrees = np.divide(strong**2, doubt, out=np.full_like(strong, max(groups - 1.0, 1.0)), where=doubt > 0)
    both = measured[:, None] & measured[None, :]
    return np.where(both, strong, weak_variance), np.where(both, degrees, weak_degrees)
