"""By how much trainings of one network differ from seed to seed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.comparing.row_losses import Numbers, RowLosses


@dataclass(frozen=True)
class SeedNoise:
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


def seed_noise(losses: RowLosses, values: Numbers) -> SeedNoise:
    """From values (S, n) of rows, NaN where a seed lacks a fold."""
    by_group = losses.group_sums(values)
    by_fold = losses.fold_sums(by_group)
    seeds = np.isfinite(by_fold).sum(axis=0)
    known = seeds > 1
    found = [_variance(by_fold), losses.fold_sums(_variance(by_group))]
    total, people = (np.where(known, one, one[known].mean() if known.any() else 0.0) for one in found)
    return SeedNoise(total, people, seeds)


def _variance(values: Numbers) -> Numbers:
    """Over the finite values of the first axis; 0 where there are fewer than two."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(count, 1)
    return np.asarray(
        np.square(values - mean, out=np.zeros_like(values), where=known).sum(axis=0) / np.maximum(count - 1, 1)
    )


def noise_of_means(losses: RowLosses, noise: Sequence[SeedNoise]) -> Numbers:
    """Seed noise of each model's RMSE over the seeds that it has here, in total and by people: (2, M)."""
    means = [one.of_mean(trained.sum(axis=0)) for trained, one in zip(losses.trained, noise, strict=True)]
    return np.array(means).T * losses.slopes**2


def noise_together(losses: RowLosses, first: int, second: int, rise: Numbers) -> Numbers | None:
    """Seed noise of the difference of an ensemble and another model, in total and by people: (2,).

    Of the difference of what rises with each RMSE by ``rise`` (M,). Two networks are trained independently of each
    other; an ensemble shares its members' trainings, so that it is followed from seed to seed. None where no fold has
    two seeds of both.
    """
    both = sorted({*losses.seeds(first)} & {*losses.seeds(second)})
    one, other = (
        losses.squared_px2[model][[losses.seeds(model).index(seed) for seed in both]]
        * losses.slopes[model]
        * rise[model]
        for model in (first, second)
    )
    noise = seed_noise(losses, one - other)
    return noise.of_mean(np.maximum(noise.seeds, 1)) if noise.degrees else None


def seed_degrees(total: Numbers, single: Numbers) -> Numbers:
    """Satterthwaite degrees of freedom of the seed part of each difference (M, M); infinite where it is zero."""
    weight = np.divide(total**2, single, out=np.zeros_like(total), where=single > 0)
    pooled, weights = total[:, None] + total[None, :], weight[:, None] + weight[None, :]
    degrees = np.divide(pooled**2, weights, out=np.full_like(pooled, np.inf), where=weights > 0)
    np.fill_diagonal(degrees, np.where(single > 0, single, np.inf))
    return np.asarray(degrees)
