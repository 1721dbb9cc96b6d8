"""Errors of single rows, for curves and galleries."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.comparing.observations import Observations
from bench.measuring.accuracy import row_nme, squared_errors
from bench.scheme import Scheme

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class RowErrors:
    """What each model misses in each row.

    Attributes:
        rmse_px: by model, float64 (N,), over seeds and labelled coordinates; NaN where nothing was predicted.
        nme: by model, float64 (S, N) as fractions; NaN where left out.
    """

    rmse_px: Mapping[str, Numbers]
    nme: Mapping[str, Numbers]


def row_errors(observations: Observations, scheme: Scheme) -> RowErrors:
    """Errors of every row, one model at a time so that memory stays that of one model."""
    rmse: dict[str, Numbers] = {}
    nme: dict[str, Numbers] = {}
    for model, predictions in observations.predictions.items():
        squared = squared_errors(predictions, observations.truth)
        known = np.isfinite(squared)
        count = known.sum(axis=(0, 2, 3))
        total = np.where(known, squared, 0).sum(axis=(0, 2, 3))
        rmse[model] = np.sqrt(np.where(count > 0, total / np.maximum(count, 1), np.nan))
        nme[model] = row_nme(predictions, observations.truth, scheme)
    return RowErrors(rmse, nme)


def mean_prediction(predictions: NDArray[np.float32], rows: NDArray[np.int64]) -> Numbers:
    """The mean over seeds of the predictions (S, N, 15, 2) of these rows: (n, 15, 2) px, NaN where there is none."""
    chosen = predictions[:, rows].astype(np.float64)
    known = np.isfinite(chosen)
    count = known.sum(axis=0)
    return np.asarray(np.where(count > 0, np.where(known, chosen, 0).sum(axis=0) / np.maximum(count, 1), np.nan))
