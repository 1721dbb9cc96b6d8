"""How far predictions miss: the field's errors, each defined once. Numpy only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.scheme import Scheme

FAILURE_NME = 0.10
"""A face whose NME is above this counts as failed; the AUC goes up to it."""

Points = NDArray[np.float32]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Errors:
    """What metrics are functions of, over S seeds and N rows.

    Attributes:
        squared: float64 (S, N, K, 2) in square pixels, NaN where not predicted or not labelled.
        nme: float64 (S, N) as fractions, NaN where the row is left out.
    """

    squared: Numbers
    nme: Numbers

    @property
    def failed(self) -> Numbers:
        """1 where a row's NME is above 10 %, else 0, and NaN where it is left out: (S, N)."""
        return np.where(np.isfinite(self.nme), self.nme > FAILURE_NME, np.nan)


METRICS: Mapping[str, Callable[[Errors], float]] = {
    "rmse_px": lambda errors: root_mean(finite_mean(errors.squared)),
    "nme_percent": lambda errors: _mean(finite_mean(errors.nme)) * 100,
    "failure_rate": lambda errors: _mean(finite_mean(errors.failed)),
    "auc": lambda errors: _mean(finite_mean(np.clip(1 - errors.nme / FAILURE_NME, 0, None))),
}
"""Metrics by name; NaN where nothing can be said. A new one is a line here, and a column of the board.

``rmse_px`` is the root of the mean squared error over all labelled coordinates (Kaggle's); ``nme_percent`` the mean
point distance over the scheme's normaliser; ``failure_rate`` the share of rows with an NME above 10 %; ``auc`` the area
under the cumulative NME curve up to 10 %, as a share of the full rectangle.
"""


@dataclass(frozen=True)
class Accuracy:
    """Errors over all rows that were predicted, of each the mean over its seeds.

    Attributes:
        metrics: the value of each of :data:`METRICS`.
        per_keypoint_rmse_px: by name, the RMSE over the x and y of one keypoint; NaN where it is never labelled.
        nme_rows_left_out: rows without what the scheme's NME is divided by.
    """

    metrics: Mapping[str, float]
    per_keypoint_rmse_px: Mapping[str, float]
    nme_rows_left_out: int


def score(predictions: Points, truth: Points, scheme: Scheme) -> Accuracy:
    """Score predictions (S, N, K, 2) or (N, K, 2) against truth (N, K, 2), pixels; NaN = missing or not labelled."""
    stacked = predictions.reshape(-1, *truth.shape)
    errors = Errors(squared_errors(stacked, truth), row_nme(stacked, truth, scheme))
    predicted = np.isfinite(stacked).all(axis=(2, 3))
    left_out = predicted & ~np.isfinite(errors.nme)
    return Accuracy(
        metrics={name: metric(errors) for name, metric in METRICS.items()},
        per_keypoint_rmse_px={
            name: root_mean(finite_mean(errors.squared[:, :, point])) for point, name in enumerate(scheme.names)
        },
        nme_rows_left_out=int(left_out.sum() // max(len(stacked), 1)),
    )


def rmse_px(predictions: Points, truth: Points) -> float:
    """The one RMSE, of predictions (..., N, K, 2) against truth (N, K, 2), where nothing else of a score is wanted."""
    return root_mean(finite_mean(squared_errors(predictions.reshape(-1, *truth.shape), truth)))


def squared_errors(predictions: Points, truth: Points) -> Numbers:
    """Squared coordinate errors in float64, NaN where not predicted or not labelled: (..., N, K, 2)."""
    return np.square(predictions.astype(np.float64) - truth.astype(np.float64))


def row_nme(predictions: Points, truth: Points, scheme: Scheme) -> Numbers:
    """NME of each row as a fraction: (..., N, K, 2) -> (..., N); NaN where it has no normaliser or no prediction."""
    distance = np.sqrt(squared_errors(predictions, truth).sum(axis=-1))
    return np.asarray(finite_mean(distance, axis=-1) / scheme.normaliser_px(truth))


def finite_mean(values: Numbers, axis: int = 0) -> Numbers:
    """The mean of the finite values over an axis, by default that of the seeds; NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    return np.asarray(np.where(count > 0, np.where(known, values, 0).sum(axis=axis) / np.maximum(count, 1), np.nan))


def root_mean(squared: Numbers) -> float:
    """Root of the mean of the finite values (any shape); NaN where there is none."""
    return float(np.sqrt(_mean(squared)))


def _mean(values: Numbers) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
