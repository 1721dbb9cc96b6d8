"""Squared errors summed per row: all that the statistics need, thirty times smaller than the predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.comparing.observations import Observations
from bench.measuring.accuracy import squared_errors

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class RowLosses:
    """Losses of several models over the rows that all of them predicted.

    Attributes:
        models: names, in the order of ``squared_px2``.
        kinds: by model, ``network``, ``gate`` or ``ensemble``.
        squared_px2: by model, float64 (S, n): squared coordinate errors summed over a row's labelled coordinates; S is
            the model's own number of seeds.
        counts: float64 (n,): how many coordinates of a row are labelled.
        groups: int64 (n,), numbered from 0 without gaps.
        folds: int64 (n,), numbered from 0 without gaps.
    """

    models: tuple[str, ...]
    kinds: Mapping[str, str]
    squared_px2: tuple[Numbers, ...]
    counts: Numbers
    groups: Whole
    folds: Whole

    @property
    def group_count(self) -> int:
        """Number of groups G."""
        return int(self.groups.max(initial=-1)) + 1

    @property
    def fold_count(self) -> int:
        """Number of folds K that were scored."""
        return int(self.folds.max(initial=-1)) + 1

    def seeds(self, model: int) -> int:
        """Trainings per fold S of a model, by its position."""
        return len(self.squared_px2[model])

    def mean_squared_px2(self, model: int) -> float:
        """Mean squared error of a model over labelled coordinates and seeds, by its position."""
        return float(self.squared_px2[model].mean(axis=0).sum() / self.counts.sum())

    def of(self, positions: Sequence[int]) -> "RowLosses":
        """The same with the models at these positions alone."""
        return replace(
            self,
            models=tuple(self.models[position] for position in positions),
            squared_px2=tuple(self.squared_px2[position] for position in positions),
        )

    @cached_property
    def fold_of_group(self) -> Whole:
        """int64 (G,): the fold in which a group is scored."""
        found = np.zeros(self.group_count, dtype=np.int64)
        found[self.groups] = self.folds
        return found

    @cached_property
    def _by_group(self) -> tuple[Whole, Whole]:
        order = np.argsort(self.groups, kind="stable")
        starts = np.flatnonzero(np.diff(self.groups[order], prepend=-1))
        return order, starts

    def group_sums(self, values: Numbers) -> Numbers:
        """Sums over the rows of each group: (..., n) -> (..., G)."""
        order, starts = self._by_group
        return np.asarray(np.add.reduceat(values[..., order], starts, axis=-1))

    def fold_sums(self, group_values: Numbers) -> Numbers:
        """Sums over the groups of each fold: (..., G) -> (..., K)."""
        member = np.equal.outer(self.fold_of_group, np.arange(self.fold_count))
        return np.asarray(group_values @ member.astype(np.float64))


def row_losses(observations: Observations) -> RowLosses:
    """Sum squared errors per row, over the rows that every model predicted under every seed."""
    squared, counts, rows = _squared_per_point(observations)
    return _assemble(observations, [found.sum(axis=2) for found in squared], counts.sum(axis=1), rows)


def keypoint_losses(observations: Observations) -> tuple[RowLosses, ...]:
    """Like :func:`row_losses` for each keypoint alone, over the rows where it is labelled."""
    squared, counts, rows = _squared_per_point(observations)
    losses = []
    for point in range(counts.shape[1]):
        labelled = counts[:, point] > 0
        chosen = [found[:, labelled, point] for found in squared]
        losses.append(_assemble(observations, chosen, counts[labelled, point], rows[labelled]))
    return tuple(losses)


def _squared_per_point(observations: Observations) -> tuple[list[Numbers], Numbers, Whole]:
    """Per model (S, n, K) sums over x and y, labelled coordinates (n, K), and the row numbers (n,) they belong to."""
    labelled = np.isfinite(observations.truth)
    usable = labelled.any(axis=(1, 2))
    for predictions in observations.predictions.values():
        usable &= np.isfinite(predictions).all(axis=(0, 2, 3))
    rows = np.flatnonzero(usable)
    truth = observations.truth[rows]
    squared = [
        np.nansum(squared_errors(predictions[:, rows], truth), axis=-1)
        for predictions in observations.predictions.values()
    ]
    return squared, labelled[rows].sum(axis=2).astype(np.float64), rows


def _assemble(observations: Observations, squared: Sequence[Numbers], counts: Numbers, rows: Whole) -> RowLosses:
    models = tuple(observations.predictions)
    return RowLosses(
        models=models,
        kinds={model: observations.kinds[model] for model in models},
        squared_px2=tuple(squared),
        counts=counts,
        groups=_renumbered(observations.groups[rows]),
        folds=_renumbered(observations.fold_of_row[rows]),
    )


def _renumbered(labels: Whole) -> Whole:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64).reshape(-1)
