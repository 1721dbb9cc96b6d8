"""Squared errors summed per row: all that the statistics need, thirty times smaller than the predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

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

    @cached_property
    def gates(self) -> NDArray[np.bool_]:
        """Which models are gates, which training cannot make come out otherwise: (M,)."""
        return np.array([self.kinds[name] == "gate" for name in self.models])

    @cached_property
    def row_means_px2(self) -> Numbers:
        """The loss of each model in each row, the mean of the seeds that predicted it: (M, n)."""
        return np.array([np.nanmean(squared, axis=0) for squared in self.squared_px2])

    @cached_property
    def rmse_px(self) -> Numbers:
        """RMSE of each model over labelled coordinates and seeds: (M,)."""
        return np.asarray(np.sqrt(self.row_means_px2.sum(axis=1) / self.counts.sum()))

    @cached_property
    def slopes(self) -> Numbers:
        """By how much the RMSE of each model rises with a sum of squared errors: (M,), in px per px^2."""
        slopes = np.zeros(len(self.models))
        np.divide(0.5 / self.counts.sum(), self.rmse_px, out=slopes, where=self.rmse_px > 0)
        return slopes

    @cached_property
    def influences(self) -> Numbers:
        """Deviation of the RMSE of each model in px that each group brings: (M, G)."""
        centred = self.group_sums(self.row_means_px2 - self.rmse_px[:, None] ** 2 * self.counts)
        return centred * self.slopes[:, None]

    def of(self, positions: Sequence[int]) -> "RowLosses":
        """The same with the models at these positions alone."""
        return replace(
            self,
            models=tuple(self.models[position] for position in positions),
            squared_px2=tuple(self.squared_px2[position] for position in positions),
        )

    @cached_property
    def trained(self) -> tuple[NDArray[np.bool_], ...]:
        """Which folds each seed has, by model: (S, K)."""
        first_rows = np.unique(self.folds, return_index=True)[1]
        return tuple(np.isfinite(squared[:, first_rows]) for squared in self.squared_px2)

    def cells(self, model: int) -> Cells | None:
        """What a model was trained on; None of a gate, whose one training stands for any."""
        if self.gates[model]:
            return None
        seeds = self.seeds(model)
        return frozenset((seeds[seed], int(fold)) for seed, fold in np.argwhere(self.trained[model]))

    def pair(self, first: int, second: int) -> "RowLosses":
        """Two models alone, by what both have: see :func:`shared_cells`."""
        return self.of([first, second]).on(shared_cells(self.cells(first), self.cells(second)))

    def on(self, cells: Cells | None) -> "RowLosses":
        """The same with these cells alone; gates, and everything where ``cells`` is None, as they are."""
        if cells is None:
            return self
        kept = list(self.squared_px2)
        for model in np.flatnonzero(~self.gates).tolist():
            wanted = [[(seed, fold) in cells for fold in range(self.fold_count)] for seed in self.seeds(model)]
            kept[model] = np.where(np.array(wanted)[:, self.folds], kept[model], np.nan)
        return replace(self, squared_px2=tuple(kept))

    def group_sums(self, values: Numbers) -> Numbers:
        """Sums over the rows of each group: (..., n) -> (..., G)."""
        return _sums(values, *self._group_parts)

    def fold_sums(self, group_values: Numbers) -> Numbers:
        """Sums over the groups of each fold: (..., G) -> (..., K)."""
        return _sums(group_values, *self._fold_parts)

    @cached_property
    def _group_parts(self) -> tuple[Whole, Whole]:
        return _parts(self.groups)

    @cached_property
    def _fold_parts(self) -> tuple[Whole, Whole]:
        fold_of_group = np.zeros(self.group_count, dtype=np.int64)
        fold_of_group[self.groups] = self.folds
        return _parts(fold_of_group)


def shared_cells(one: Cells | None, other: Cells | None) -> Cells | None:
    """What a pair of models is tested on: the cells that both have, and of a fold for which they share no seed, all."""
    if one is None or other is None:
        return one if other is None else other
    both = one & other
    folds = {fold for _, fold in both}
    return both | {cell for cell in one | other if cell[1] not in folds}


def _parts(labels: Whole) -> tuple[Whole, Whole]:
    """An order that puts like labels side by side, and where each label from 0 on begins in it."""
    order = np.argsort(labels, kind="stable")
    return order, np.flatnonzero(np.diff(labels[order], prepend=-1))


def _sums(values: Numbers, order: Whole, starts: Whole) -> Numbers:
    return np.asarray(np.add.reduceat(values[..., order], starts, axis=-1))


def row_losses(observations: Observations) -> RowLosses:
    """Sum squared errors per row, over the rows that every model predicted under some seed."""
    return _losses(observations, *_squared_per_point(observations))


def keypoint_losses(observations: Observations) -> tuple[RowLosses, ...]:
    """Like :func:`row_losses` for each keypoint alone, over the rows where it is labelled."""
    squared, counts = _squared_per_point(observations)
    return tuple(
        _losses(observations, [found[:, :, [point]] for found in squared], counts[:, [point]])
        for point in range(counts.shape[1])
    )


def _squared_per_point(observations: Observations) -> tuple[list[Numbers], Numbers]:
    """Per model (S, N, K) sums over x and y, NaN where not predicted, and how many coordinates are labelled (N, K).

    Of a row that some model has not predicted none are.
    """
    labelled = np.asarray(np.isfinite(observations.truth))
    squared = []
    for predictions in observations.predictions.values():
        predicted = np.asarray(np.isfinite(predictions).all(axis=(2, 3)))
        labelled &= np.logical_or.reduce(predicted)[:, None, None]
        sums = np.nansum(squared_errors(predictions, observations.truth), axis=-1)
        squared.append(np.where(predicted[..., None], sums, np.nan))
    return squared, labelled.sum(axis=2).astype(np.float64)


def _losses(observations: Observations, squared: Sequence[Numbers], counts: Numbers) -> RowLosses:
    """Sum over points, of the rows that have any that is labelled."""
    models, labelled = tuple(observations.predictions), counts.sum(axis=1)
    rows = np.flatnonzero(labelled)
    return RowLosses(
        models=models,
        kinds={model: observations.kinds[model] for model in models},
        squared_px2=tuple(found[:, rows].sum(axis=2) for found in squared),
        counts=labelled[rows],
        groups=_renumbered(observations.groups[rows]),
        folds=_renumbered(observations.fold_of_row[rows]),
        seed_numbers=observations.seeds,
    )


def _renumbered(labels: Whole) -> Whole:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64).reshape(-1)
