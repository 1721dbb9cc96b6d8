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

A test is of the logarithm of the ratio of two errors, whose variance is that of the linearised logarithm, by the same
parts. For errors that are alike it is the test of their difference. Where one network's errors scatter over orders of
magnitude, the variance of the difference is that network's alone and hides a difference that every row shows.

Models may have unlike cells (fold and seed). A model's own error is of all that it has, each row the mean of its seeds;
a pair is compared by the cells that both have; the noise of one training is measured by all cells of a model, whoever
shares them. A gate has one training, which stands for any. What is approximate about it:

- a fold with one seed is taken to vary between trainings as the model's other folds do;
- where two models share no seed of a fold, each stands there with all that it has: two networks are taken to be trained
  independently of each other, under the same seed too. An ensemble is followed from seed to seed beside every other;
- a model of one seed against one of more is tested by the differences between folds, as above: of the other one's
  trainings only the noise is used, as the least that the variance can be;
- the probability of being the best is of the models' own errors, with all that each has; like a model's own interval it
  takes differences between folds as they are: a best guess and no verdict.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.comparing.row_losses import Cells, Numbers, RowLosses, shared_cells
from bench.comparing.seed_noise import SeedNoise, noise_of_means, noise_together, seed_degrees, seed_noise


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
    a model's own RMSE; variances are in px^2.

    Attributes:
        rmse_px: float64 (M,): of all cells that a model has.
        shared_px: RMSE of the first by the cells that both have.
        variance: of the difference of the two. NaN where a run says nothing about it (one fold and one seed).
        log_variance: of the logarithm of their ratio; likewise.
        degrees: degrees of freedom of ``log_variance``.
        people, seed_people, seed_cell, data_split, seed_degrees: see :class:`Contrast`.
        between_folds: what the variance would be by the differences between folds alone.
        seeds: how many seeds both have.
        covariance: of the models' own errors; positive semi-definite.
        measured: bool (M,): whether training randomness was measured (two seeds or more, or none to measure).
    """

    rmse_px: Numbers
    shared_px: Numbers
    variance: Numbers
    log_variance: Numbers
    degrees: Numbers
    people: Numbers
    seed_people: Numbers
    seed_cell: Numbers
    data_split: Numbers
    seed_degrees: Numbers
    between_folds: Numbers
    seeds: Numbers
    covariance: Numbers
    measured: NDArray[np.bool_]
    groups: int
    folds: int

    @property
    def difference_px(self) -> Numbers:
        """RMSE of the first less that of the second: (M, M)."""
        return np.asarray(self.shared_px - self.shared_px.T)

    @property
    def log_ratio(self) -> Numbers:
        """Natural logarithm of RMSE of the first over that of the second: (M, M); NaN where both are zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(self.shared_px)
            return np.asarray(logs - logs.T)

    def contrast(self, first: int, second: int) -> Contrast:
        """The parts of one difference, or of one model where both positions are equal."""
        return Contrast(
            people=float(self.people[first, second]),
            seed_people=float(self.seed_people[first, second]),
            seed_cell=float(self.seed_cell[first, second]),
            data_split=float(self.data_split[first, second]),
            seed_degrees=float(self.seed_degrees[first, second]),
            groups=self.groups,
            folds=self.folds,
            weak=not (self.measured[first] and self.measured[second]),
        )


def spread(losses: RowLosses) -> Spread:
    """Estimate every variance that ranks, intervals and tests are built on."""
    count = len(losses.models)
    noise = [seed_noise(losses, squared) for squared in losses.squared_px2]
    measured = losses.gates | np.array([one.degrees > 0 for one in noise])
    pairs: dict[str, Numbers] = {}
    for ones, others, cells in _tested_together(losses):
        members = sorted({*ones, *others})
        among = losses.of(members) if len(members) < count else losses
        block = _pairs(among.on(cells), [noise[model] for model in members], measured[members])
        rows, columns = np.searchsorted(members, ones), np.searchsorted(members, others)
        for name, found in block.items():
            matrix = pairs.setdefault(name, np.zeros((count, count)))
            matrix[np.ix_(ones, others)] = found[np.ix_(rows, columns)]
            matrix[np.ix_(others, ones)] = found[np.ix_(columns, rows)]
    if measured.all():
        total, people = noise_of_means(losses, noise)
        covariance = covariance_of_sums(losses.influences) + np.diag(np.maximum(total - people, 0.0))
    else:
        covariance = covariance_of_sums(losses.fold_sums(losses.influences))
    return Spread(
        rmse_px=losses.rmse_px,
        **pairs,
        covariance=covariance,
        measured=measured,
        groups=losses.group_count,
        folds=losses.fold_count,
    )


def _tested_together(losses: RowLosses) -> Iterator[tuple[list[int], list[int], Cells | None]]:
    """Models by position, and others, whose pairs are tested on these cells (None: on all); each model with itself."""
    alike: dict[Cells | None, list[int]] = {}
    for model in range(len(losses.models)):
        alike.setdefault(losses.cells(model), []).append(model)
    gates = alike.pop(None, [])
    for (one, ones), (other, others) in itertools.combinations(alike.items(), 2):
        yield ones, others, shared_cells(one, other)
    for ones in alike.values() or [[]]:
        together = sorted([*gates, *ones])
        yield together, together, None


def _pairs(losses: RowLosses, noise: Sequence[SeedNoise], measured: NDArray[np.bool_]) -> dict[str, Numbers]:
    """Matrices of a :class:`Spread` by name.

    Args:
        losses: of the cells that pairs are tested on.
        noise: of each model, from all its cells.
        measured: whether there is any.
    """
    count, errors = len(losses.models), losses.rmse_px
    logarithm = np.divide(1.0, errors, out=np.zeros(count), where=errors > 0)
    found, logs = (_parts(losses, noise, measured, rise) for rise in (np.ones(count), logarithm))
    seeds = max(trained.any(axis=1).sum() for trained in losses.trained)
    return {
        **found,
        "shared_px": np.broadcast_to(errors[:, None], (count, count)),
        "log_variance": logs["variance"],
        "degrees": logs["degrees"],
        "seeds": np.full((count, count), float(seeds)),
    }


def _parts(
    losses: RowLosses, noise: Sequence[SeedNoise], measured: NDArray[np.bool_], rise: Numbers
) -> dict[str, Numbers]:
    """Variances (M, M) of the differences of something that rises with each RMSE by ``rise`` (M,), and their parts.

    Degrees of freedom are Satterthwaite's.
    """
    groups, folds = losses.group_count, losses.fold_count
    influences = losses.influences * rise[:, None]
    own = noise_of_means(losses, noise) * rise**2
    total, within = (of_differences(np.diag(part)) for part in own)
    ensembles = [model for model, name in enumerate(losses.models) if losses.kinds[name] == "ensemble"]
    for first, second in itertools.product(ensembles, range(len(noise))):
        found = noise_together(losses, first, second, rise) if first != second else None
        if found is not None:
            total[[first, second], [second, first]], within[[first, second], [second, first]] = found
    people = of_differences(covariance_of_sums(influences))
    between = of_differences(covariance_of_sums(losses.fold_sums(influences)))
    # Sampled people and seed noise overlap in `within`; neither part alone can exceed the whole.
    known = np.maximum(np.maximum(people, total), people - within + total)
    split = np.maximum(between - known, 0.0) if folds > 1 else np.zeros_like(known)
    degrees_of_seeds = seed_degrees(own[0], np.array([float(one.degrees) for one in noise]))
    doubt = total**2 / degrees_of_seeds + split**2 / max(folds - 1, 1) + people**2 / max(groups - 1, 1)
    certain = np.full_like(known, max(groups - 1.0, 1.0))
    degrees = np.divide((known + split) ** 2, doubt, out=certain, where=doubt > 0)
    pure_people, seed_people = np.maximum(people - within, 0.0), np.minimum(within, total)
    # Where one of a pair has more seeds, the noise of its trainings is known: the variance is that at least.
    widened = between * np.where(np.eye(len(noise), dtype=bool), 1.0, widening(folds))
    weak = np.maximum(widened, total) if folds > 1 else np.full_like(between, np.nan)
    both = measured[:, None] & measured[None, :]
    return {
        "variance": np.where(both, known + split, weak),
        "degrees": np.where(both, degrees, folds - 1.0 if folds > 1 else np.nan),
        "people": np.where(both, pure_people, weak),
        "seed_people": np.where(both, seed_people, 0.0),
        "seed_cell": np.where(both, np.maximum(known - pure_people - seed_people, 0.0), 0.0),
        "data_split": np.where(both, split, 0.0),
        "seed_degrees": np.where(both, degrees_of_seeds, folds - 1.0),
        "between_folds": between,
    }


def widening(folds: int) -> float:
    """By how much the variance between folds falls short of that of a difference: their training parts overlap."""
    return 1 + folds / (folds - 1) if folds > 1 else 1.0


def of_differences(covariance: Numbers) -> Numbers:
    """Covariances (M, M) -> variances of differences (M, M), with each model's own variance on the diagonal."""
    own = np.diagonal(covariance)
    between = own[:, None] + own[None, :] - 2 * covariance
    np.fill_diagonal(between, own)
    return np.asarray(np.maximum(between, 0.0))


def critical(degrees: Numbers | float, probability: Numbers | float) -> Numbers:
    """Quantile of Student's t, elementwise; NaN where there are no degrees of freedom."""
    return np.asarray(stats.t.ppf(probability, degrees))


def covariance_of_sums(values: Numbers) -> Numbers:
    """Covariance (M, M) of sums over units whose expectation is zero, from what each unit brings: (M, U)."""
    units = values.shape[1]
    return np.asarray(values @ values.T * (units / (units - 1) if units > 1 else 0.0))
