"""How far predictions miss: the field's errors, each defined once. Numpy only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.faces.keypoints import inter_ocular_px

FAILURE_NME = 0.10
"""A face whose NME is above this counts as failed; the AUC goes up to it."""

Points = NDArray[np.float32]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Accuracy:
    """Errors over all seeds and rows that were predicted.

    Attributes:
        rmse_px: root of the mean squared error over all labelled coordinates (Kaggle's).
        per_keypoint_rmse_px: the same over the x and y of one keypoint; NaN where it is never labelled.
        nme_percent: mean point distance over the distance of the eye centres, in percent.
        nme_rows_left_out: rows without both eye centres.
        failure_rate: share of rows with NME above 10 %.
        auc: area under the cumulative NME curve up to 10 %, as a share of the full rectangle.
    """

    rmse_px: float
    per_keypoint_rmse_px: tuple[float, ...]
    nme_percent: float
    nme_rows_left_out: int
    failure_rate: float
    auc: float


def score(predictions: Points, truth: Points) -> Accuracy:
    """Score predictions (S, N, 15, 2) or (N, 15, 2) against truth (N, 15, 2), pixels; NaN = missing or not labelled."""
    stacked = predictions.reshape(-1, *truth.shape)
    squared = squared_errors(stacked, truth)
    nme = row_nme(stacked, truth)
    predicted = np.isfinite(stacked).all(axis=(2, 3))
    known = np.isfinite(nme)
    values = nme[known]
    return Accuracy(
        rmse_px=_root_mean(squared),
        per_keypoint_rmse_px=tuple(_root_mean(squared[:, :, point]) for point in range(truth.shape[1])),
        nme_percent=float(values.mean() * 100) if values.size else float("nan"),
        nme_rows_left_out=int((predicted & ~known).sum() // max(len(stacked), 1)),
        failure_rate=float((values > FAILURE_NME).mean()) if values.size else float("nan"),
        auc=float(np.clip(1 - values / FAILURE_NME, 0, None).mean()) if values.size else float("nan"),
    )


def squared_errors(predictions: Points, truth: Points) -> Numbers:
    """Squared coordinate errors in float64, NaN where not predicted or not labelled: (..., N, 15, 2)."""
    return np.square(predictions.astype(np.float64) - truth.astype(np.float64))


def row_nme(predictions: Points, truth: Points) -> Numbers:
    """NME of each row as a fraction: (..., N, 15, 2) -> (..., N); NaN where it has no eye distance or no prediction."""
    distance = np.sqrt(squared_errors(predictions, truth).sum(axis=-1))
    labelled = np.isfinite(distance)
    total = np.where(labelled, distance, 0).sum(axis=-1)
    between = np.where(inter_ocular_px(truth) > 0, inter_ocular_px(truth), np.nan)
    count = labelled.sum(axis=-1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan) / between)


def _root_mean(squared: Numbers) -> float:
    known = np.isfinite(squared)
    return float(np.sqrt(squared[known].mean())) if known.any() else float("nan")
