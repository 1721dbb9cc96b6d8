"""Claim one: do *these trained models* differ? Only who is scored varies; training is taken as it happened."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from bench.comparing.row_losses import Numbers, RowLosses

RESAMPLES = 9999
BATCH = 500


@dataclass(frozen=True)
class TrainedModelsTest:
    """``difference_px`` of the first model's RMSE minus the second's, 95 % interval and two-sided p."""

    difference_px: float
    interval_px: tuple[float, float]
    p: float


def trained_models_differ(losses: RowLosses, first: int, second: int) -> TrainedModelsTest:
    """Resample whole groups of scored rows (BCa bootstrap, Efron 1987) and swap the two models group by group.

    Says nothing about the architectures: with other training seeds the answer may turn. Same resamples on every call.

    Args:
        losses: row losses of both.
        first, second: positions of the models.
    """
    both = losses.pair(first, second)
    per_group = [both.group_sums(means) for means in both.row_means_px2]
    counts = losses.group_sums(losses.counts)

    def difference(a: Numbers, b: Numbers, count: Numbers, axis: int = -1) -> Numbers:
        labelled = count.sum(axis=axis)
        return np.asarray(np.sqrt(a.sum(axis=axis) / labelled) - np.sqrt(b.sum(axis=axis) / labelled))

    observed = float(difference(per_group[0], per_group[1], counts))
    if losses.group_count < 2 or np.array_equal(per_group[0], per_group[1]):
        return TrainedModelsTest(observed, (observed, observed), 1.0)
    resampled = stats.bootstrap(
        (*per_group, counts),
        difference,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=BATCH,
        method="BCa",
        rng=np.random.default_rng(0),
    )
    swapped = stats.permutation_test(
        tuple(per_group),
        lambda a, b, axis=-1: difference(a, b, counts, axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=BATCH,
        rng=np.random.default_rng(0),
    )
    interval = resampled.confidence_interval
    return TrainedModelsTest(observed, (float(interval.low), float(interval.high)), float(swapped.pvalue))
