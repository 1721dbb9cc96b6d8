"""Errors of single rows, for curves, galleries, and comparisons of models that predicted unlike rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.comparing.observations import Observations
from bench.measuring.accuracy import row_nme, squared_errors

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class RowErrors:
    """What each model misses in each row.

    Attributes:
        squared_px2: by model, float64 (N,): squared errors summed over labelled coordinates, mean over the seeds that
            predicted the row; NaN where none did, or nothing is labelled.
        labelled: float64 (N,): how many coordinates of a row are labelled.
        nme: by model, float64 (S, N) as fractions; NaN where left out.
    """

    squared_px2: Mapping[str, Numbers]
    labelled: Numbers
    nme: Mapping[str, Numbers]

    def rmse_px(self, model: str) -> Numbers:
        """A model's error in each row, over seeds and labelled coordinates: (N,), NaN where there is none."""
        return np.asarray(np.sqrt(self.squared_px2[model] / np.maximum(self.labelled, 1)))

    def fold_sd_px(self, model: str, fold_of_row: NDArray[np.int64]) -> float | None:
        """Spread (ddof 1) over folds of the RMSE pooled over seeds; None below two folds."""
        known = np.isfinite(self.squared_px2[model])
        folds, place = np.unique(fold_of_row[known], return_inverse=True)
        if len(folds) < 2:
            return None
        totals = np.bincount(place.reshape(-1), self.squared_px2[model][known])
        counts = np.bincount(place.reshape(-1), self.labelled[known])
        return float(np.std(np.sqrt(totals / counts), ddof=1))

    def not_better(self, model: str, other: str) -> bool:
        """Whether ``model`` is not better than ``other`` on the rows that both predicted."""
        shared = np.isfinite(self.squared_px2[model]) & np.isfinite(self.squared_px2[other])
        own, others = (float(self.squared_px2[name][shared].sum()) for name in (model, other))
        return bool(shared.any()) and others <= own


def row_errors(observations: Observations) -> RowErrors:
    """Errors of every row, one model at a time so that memory stays that of one model."""
    summed: dict[str, Numbers] = {}
    nme: dict[str, Numbers] = {}
    for model, predictions in observations.predictions.items():
        squared = squared_errors(predictions, observations.truth)
        known = np.isfinite(squared)
        seeds = known.any(axis=(2, 3)).sum(axis=0)
        total = np.where(known, squared, 0).sum(axis=(0, 2, 3))
        summed[model] = np.where(seeds > 0, total / np.maximum(seeds, 1), np.nan)
        nme[model] = row_nme(predictions, observations.truth, observations.scheme)
    labelled = np.isfinite(observations.truth).sum(axis=(1, 2)).astype(np.float64)
    return RowErrors(summed, labelled, nme)
