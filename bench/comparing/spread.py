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

Models may have unlike cells (fold and seed). A model's own error is of all that it has, each row the mean of its seeds;
a pair is compared by the cells that both have; the noise of one training is measured by all cells of a model, whoever
shares them. A gate has one training, which stands for any. What is approximate about it:

- a fold with one seed is taken to vary between trainings as the model's other folds do;
- where two models share no seed of a fold, each stands there with all that it has: two networks are taken to be trained
  independently of each other, under the same seed too. An ensemble is followed from seed to seed beside its members;
- a model of one seed against one of more is tested by the differences between folds, as above: of the other one's
  trainings only the noise is used, as the least that the variance can be;
- the probability of being the best is of the models' own errors, with all that each has.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.comparing.row_losses import Cells, Numbers, RowLosses, shared_cells


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

    The float64 (M, M) matrices are of the difference of two models by the cells that both have, and on the diagonal of
    a model's own RMSE; all but two are variances in px^2.

    Attributes:
        rmse_px: float64 (M,): of all cells that a model has.
        difference_px: RMSE of the first less that of the second.
        variance: of that. NaN where a run says nothing about it (one fold and one seed).
        degrees: degrees of freedom of ``variance``.
        people: its part from other people, with the noise of training.
        seed_total: its part from other trainings.
        seed_people: the same, if they moved each person alone.
        between_folds: what it would be by the differences between folds alone.
        seed_degrees: degrees of freedom of ``seed_total``; infinite where it is zero.
        seeds: how many seeds it rests on.
        people_covariance, fold_covariance: float64 (M, M), of the models' own errors: between people, between folds.
        measured: bool (M,): whether training randomness was measured (two seeds or more, or none to measure).
    """

    rmse_px: Numbers
    difference_px: Numbers
    variance: Numbers
    degrees: Numbers
    people: Numbers
    seed_total: Numbers
    seed_people: Numbers
    between_folds: Numbers
    seed_degrees: Numbers
    seeds: Numbers
    people_covariance: Numbers
    fold_covariance: Numbers
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
            float(part[first, second]) for part in (self.people, self.seed_total, self.seed_people)
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


@dataclass(frozen=True)
class _SeedNoise:
    """What the seeds of one model, or of a difference, tell of the noise of one training, by fold (K,).

    Attributes:
        total: variance over seeds of the fold's sum.
        people: the sum of the variances of its groups' sums.
        seeds: how many seeds have the fold; one that has a single seed is taken to be like the others.
    """

    total: Numbers
    people: Numbers
    seeds: NDArray[np.int64]

    @property
    def degrees(self) -> int:
        """How many differences of seeds it rests on."""
        return int(np.maximum(self.seeds - 1, 0).sum())

    def of_mean(self, seeds: NDArray[np.int64]) -> Numbers:
        """Variance of the sum over folds of means over so many seeds, in total and by people: (2,)."""
        return np.array([(self.total / seeds).sum(), (self.people / seeds).sum()])


def spread(losses: RowLosses) -> Spread:
    """Estimate every variance that ranks, intervals and tests are built on."""
    count = len(losses.models)
    noise = [_seed_noise(losses, squared) for squared in losses.squared_px2]
    pairs: dict[str, Numbers] = {}
    for ones, others, cells in _tested_together(losses):
        members = sorted({*ones, *others})
        block = _pairs(losses.of(members).on(cells), [noise[model] for model in members])
        block["seeds"] = np.full((len(members), len(members)), len({seed for seed, _ in cells or [(0, 0)]}))
        rows, columns = np.searchsorted(members, ones), np.searchsorted(members, others)
        for name, found in block.items():
            matrix = pairs.setdefault(name, np.zeros((count, count)))
            matrix[np.ix_(ones, others)] = found[np.ix_(rows, columns)]
            matrix[np.ix_(others, ones)] = found[np.ix_(columns, rows)]
    rmse_px, _, by_group = _linearised(losses)
    gate = np.array([losses.kinds[name] == "gate" for name in losses.models])
    measured = gate | np.array([one.degrees > 0 for one in noise])
    groups, folds = losses.group_count, losses.fold_count
    variance, degrees = _combine(pairs, measured, groups, folds)
    return Spread(
        rmse_px=rmse_px,
        variance=variance,
        degrees=degrees,
        **pairs,
        people_covariance=_covariance(by_group),
        fold_covariance=_covariance(losses.fold_sums(by_group)),
        measured=measured,
        groups=groups,
        folds=folds,
    )


def _tested_together(losses: RowLosses) -> Iterator[tuple[list[int], list[int], Cells | None]]:
    """Models by position, and others, whose pairs are tested on the same cells; all pairs, each model with itself."""
    alike: dict[Cells | None, list[int]] = {}
    for model in range(len(losses.models)):
        alike.setdefault(losses.cells(model), []).append(model)
    gates = alike.pop(None, [])
    if not alike:
        yield gates, gates, None
    for (one, ones), (other, others) in itertools.combinations(alike.items(), 2):
        yield ones, others, shared_cells(one, other)
    for one, ones in alike.items():
        together = sorted([*gates, *ones])
        yield together, together, one


def _pairs(losses: RowLosses, noise: Sequence[_SeedNoise]) -> dict[str, Numbers]:
    """Differences of the models' errors and the parts of their variances, by the names that they have in a spread.

    Args:
        losses: of the cells that pairs are tested on.
        noise: of each model, from all its cells.
    """
    rmse_px, slopes, by_group = _linearised(losses)
    means = [one.of_mean(losses.trained(model).sum(axis=0)) for model, one in enumerate(noise)]
    own = np.array(means) * slopes[:, None] ** 2
    total, people = (_of_independent(part) for part in own.T)
    for first, second in _ensemble_pairs(losses):
        found = _noise_together(losses, slopes, first, second)
        if found is not None:
            total[[first, second], [second, first]], people[[first, second], [second, first]] = found
    return {
        "difference_px": rmse_px[:, None] - rmse_px[None, :],
        "people": of_differences(_covariance(by_group)),
        "seed_total": total,
        "seed_people": people,
        "between_folds": of_differences(_covariance(losses.fold_sums(by_group))),
        "seed_degrees": _seed_degrees(own[:, 0], np.array([float(one.degrees) for one in noise])),
    }


def _of_independent(own: Numbers) -> Numbers:
    """Variances of differences (M, M) of what varies independently, with each own variance (M,) on the diagonal."""
    return of_differences(np.diag(own))


def _ensemble_pairs(losses: RowLosses) -> list[tuple[int, int]]:
    ensembles = [model for model, name in enumerate(losses.models) if losses.kinds[name] == "ensemble"]
    return [(first, second) for first in ensembles for second in range(len(losses.models)) if second != first]


def of_differences(covariance: Numbers) -> Numbers:
    """Covariances (M, M) -> variances of differences (M, M), with each model's own variance on the diagonal."""
    own = np.diagonal(covariance)
    between = own[:, None] + own[None, :] - 2 * covariance
    np.fill_diagonal(between, own)
    return np.asarray(np.maximum(between, 0.0))


def critical(degrees: Numbers | float, probability: float) -> Numbers:
    """Quantile of Student's t, elementwise; NaN where there are no degrees of freedom."""
    return np.asarray(stats.t.ppf(probability, degrees))


def _covariance(values: Numbers) -> Numbers:
    """Covariance (M, M) of sums over units whose expectation is zero, from what each unit brings: (M, U)."""
    units = values.shape[1]
    return np.asarray(values @ values.T * (units / (units - 1) if units > 1 else 0.0))


def _linearised(losses: RowLosses) -> tuple[Numbers, Numbers, Numbers]:
    """RMSE of each model (M,), by how much it rises with a sum of squared errors (M,), and the influences (M, G).

    An influence is the deviation of a model's RMSE in px that a group brings.
    """
    means = np.array([losses.row_means_px2(model) for model in range(len(losses.models))])
    rmse_px = np.sqrt(means.sum(axis=1) / losses.counts.sum())
    slopes = np.divide(0.5 / losses.counts.sum(), rmse_px, out=np.zeros_like(rmse_px), where=rmse_px > 0)
    centred = losses.group_sums(means - rmse_px[:, None] ** 2 * losses.counts)
    return rmse_px, slopes, centred * slopes[:, None]


def _seed_noise(losses: RowLosses, values: Numbers) -> _SeedNoise:
    """From values (S, n) of rows, NaN where a seed lacks a fold."""
    by_group = losses.group_sums(values)
    by_fold = losses.fold_sums(by_group)
    seeds = np.isfinite(by_fold).sum(axis=0)
    known = seeds > 1
    found = [_variance(by_fold), losses.fold_sums(_variance(by_group))]
    total, people = (np.where(known, one, one[known].mean() if known.any() else 0.0) for one in found)
    return _SeedNoise(total, people, seeds)


def _variance(values: Numbers) -> Numbers:
    """Over the finite values of the first axis; 0 where there are fewer than two."""
    return np.asarray(np.ma.masked_invalid(values).var(axis=0, ddof=1).filled(0.0))


def _noise_together(losses: RowLosses, slopes: Numbers, first: int, second: int) -> Numbers | None:
    """Seed noise of the difference of an ensemble and another model, in total and by people (2,).

    Two networks are trained independently of each other; an ensemble shares its members' trainings, so that its
    difference to one of them is followed from seed to seed. None where no fold has two seeds of both.
    """
    both = sorted({*losses.seeds(first)} & {*losses.seeds(second)})
    own, others = (
        losses.squared_px2[model][[losses.seeds(model).index(seed) for seed in both]] * slopes[model]
        for model in (first, second)
    )
    noise = _seed_noise(losses, own - others)
    return noise.of_mean(np.maximum(noise.seeds, 1)) if noise.degrees else None


def _seed_degrees(total: Numbers, single: Numbers) -> Numbers:
    """Satterthwaite degrees of freedom of the seed part of each difference (M, M); infinite where it is zero."""
    weight = np.divide(total**2, single, out=np.zeros_like(total), where=single > 0)
    pooled, weights = total[:, None] + total[None, :], weight[:, None] + weight[None, :]
    degrees = np.divide(pooled**2, weights, out=np.full_like(pooled, np.inf), where=weights > 0)
    np.fill_diagonal(degrees, np.where(single > 0, single, np.inf))
    return np.asarray(degrees)


def _combine(
    pairs: Mapping[str, Numbers], measured: NDArray[np.bool_], groups: int, folds: int
) -> tuple[Numbers, Numbers]:
    """Variance and degrees of freedom (Satterthwaite) of every difference."""
    people, total, between = pairs["people"], pairs["seed_total"], pairs["between_folds"]
    # Sampled people and seed noise overlap in `seed_people`; neither part alone can exceed the whole.
    known = np.maximum(np.maximum(people, total), people - pairs["seed_people"] + total)
    if folds > 1:
        split = np.maximum(between - known, 0.0)
        overlap = np.where(np.eye(len(between), dtype=bool), 0.0, folds / (folds - 1))
        # Of a pair in which one has more seeds, the noise of its trainings is known: it is in the difference at least.
        weak_variance, weak_degrees = np.maximum(between * (1 + overlap), total), folds - 1.0
    else:
        split = np.zeros_like(known)
        weak_variance, weak_degrees = np.full_like(known, np.nan), np.nan
    strong = known + split
    doubt = total**2 / pairs["seed_degrees"] + split**2 / max(folds - 1, 1) + people**2 / max(groups - 1, 1)
    degrees = np.divide(strong**2, doubt, out=np.full_like(strong, max(groups - 1.0, 1.0)), where=doubt > 0)
    both = measured[:, None] & measured[None, :]
    return np.where(both, strong, weak_variance), np.where(both, degrees, weak_degrees)
