"""Squared errors summed per row: all that the statistics need, thirty times smaller than the predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bench.comparing.observations import Observations
from bench.measuring.accuracy import squared_errors

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]
Cells = frozenset[tuple[int, int]]
"""Trainings of one model, each by the number of its seed and of its fold."""


@dataclass(frozen=True)
class RowLosses:
    """Losses of several models over the rows that all of them predicted.

    Attributes:
        models: names, in the order of ``squared_px2``.
        kinds: by model, ``network``, ``gate`` or ``ensemble``.
        squared_px2: by model, float64 (S, n): squared coordinate errors summed over a row's labelled coordinates; S is
            the model's own number of seeds. NaN in all rows of a fold that a seed lacks; some seed has each fold.
        counts: float64 (n,): how many coordinates of a row are labelled.
        groups: int64 (n,), numbered from 0 without gaps.
        folds: int64 (n,), numbered from 0 without gaps.
        seed_numbers: by model, the numbers of its S seeds; 0 .. S-1 where a model is not named.
    """

    models: tuple[str, ...]
    kinds: Mapping[str, str]
    squared_px2: tuple[Numbers, ...]
    counts: Numbers
    groups: Whole
    folds: Whole
    seed_numbers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def group_count(self) -> int:
        """Number of groups G."""
        return int(self.groups.max(initial=-1)) + 1

    @property
    def fold_count(self) -> int:
        """Number of folds K that were scored."""
        return int(self.folds.max(initial=-1)) + 1

    def seeds(self, model: int) -> tuple[int, ...]:
        """The numbers of a model's seeds, by its position."""
        count = len(self.squared_px2[model])
        return self.seed_numbers.get(self.models[model], tuple(range(count)))

    def row_means_px2(self, model: int) -> Numbers:
        """A model's losses, each the mean of the seeds that predicted the row: (n,)."""
        return np.asarray(np.nanmean(self.squared_px2[model], axis=0))

    def mean_squared_px2(self, model: int) -> float:
        """Mean squared error of a model over labelled coordinates and seeds, by its position."""
        return float(self.row_means_px2(model).sum() / self.counts.sum())

    def of(self, positions: Sequence[int]) -> "RowLosses":
        """The same with the models at these positions alone."""
        return replace(
            self,
            models=tuple(self.models[position] for position in positions),
            squared_px2=tuple(self.squared_px2[position] for position in positions),
        )

    def trained(self, model: int) -> NDArray[np.bool_]:
        """Which folds each seed of a model has: (S, K)."""
        _, first_rows = np.unique(self.folds, return_index=True)
        return np.isfinite(self.squared_px2[model][:, first_rows])

    def cells(self, model: int) -> Cells | None:
        """What a model was trained on; None of a gate, whose one training stands for any."""
        if self.kinds[self.models[model]] == "gate":
            return None
        seeds = self.seeds(model)
        return frozenset((seeds[seed], int(fold)) for seed, fold in np.argwhere(self.trained(model)))

    def pair(self, first: int, second: int) -> "RowLosses":
        """Two models alone, by what both have: see :func:`shared_cells`."""
        return self.of([first, second]).on(shared_cells(self.cells(first), self.cells(second)))

    def on(self, cells: Cells | None) -> "RowLosses":
        """The same with these cells alone; gates, and everything where ``cells`` is None, as they are."""
        return replace(self, squared_px2=tuple(self._on(model, cells) for model in range(len(self.models))))

    def _on(self, model: int, cells: Cells | None) -> Numbers:
        own = self.cells(model)
        if cells is None or own is None or own <= cells:
            return self.squared_px2[model]
        wanted = [[(seed, fold) in cells for fold in range(self.fold_count)] for seed in self.seeds(model)]
        return np.where(np.array(wanted)[:, self.folds], self.squared_px2[model], np.nan)

    def group_sums(self, values: Numbers) -> Numbers:
        """Sums over the rows of each group: (..., n) -> (..., G)."""
        return _sums(values, self.groups)

    def fold_sums(self, group_values: Numbers) -> Numbers:
        """Sums over the groups of each fold: (..., G) -> (..., K)."""
        fold_of_group = np.zeros(self.group_count, dtype=np.int64)
        fold_of_group[self.groups] = self.folds
        return _sums(group_values, fold_of_group)


def shared_cells(one: Cells | None, other: Cells | None) -> Cells | None:
    """What a pair of models is tested on: the cells that both have, and of a fold for which they share no seed, all."""
    if one is None or other is None:
        return one if other is None else other
    both = one & other
    folds = {fold for _, fold in both}
    return both | {cell for cell in one | other if cell[1] not in folds}


def _sums(values: Numbers, labels: Whole) -> Numbers:
    """Sums of the values of each label from 0 on, over the last axis."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    return np.asarray(np.add.reduceat(values[..., order], starts, axis=-1))


def row_losses(observations: Observations) -> RowLosses:
    """Sum squared errors per row, over the rows that every model predicted in each fold that a seed of it has."""
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
    usable = np.asarray(labelled.any(axis=(1, 2)))
    for predictions in observations.predictions.values():
        predicted = np.asarray(np.isfinite(predictions).all(axis=(2, 3)))
        for fold in np.unique(observations.fold_of_row):
            members = observations.fold_of_row == fold
            present = predicted[predicted[:, members].any(axis=1)]
            usable[members] &= present[:, members].all(axis=0) & (len(present) > 0)
    rows = np.flatnonzero(usable)
    truth = observations.truth[rows]
    squared = []
    for predictions in observations.predictions.values():
        predicted = np.asarray(np.isfinite(predictions[:, rows]).all(axis=(2, 3)))
        sums = np.nansum(squared_errors(predictions[:, rows], truth), axis=-1)
        squared.append(np.where(predicted[..., None], sums, np.nan))
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
        seed_numbers=observations.seeds,
    )


def _renumbered(labels: Whole) -> Whole:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64).reshape(-1)
