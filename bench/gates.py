"""Gates: three predictors without a network, which every network must beat. They take seconds.

Each is fitted per coordinate on the rows where that coordinate is labelled.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

from bench.faces.keypoints import FRAME_PX, KEYPOINTS

GATES: tuple[str, ...] = ("mean_face", "knn", "ridge")

NEIGHBOURS = 5
SIDE = 24
RIDGE_PENALTY = 300.0

Images = NDArray[np.uint8]
Points = NDArray[np.float32]


def predict_gate(name: str, train_images: Images, train_keypoints: Points, scored_images: Images) -> Points:
    """Fit a gate and predict.

    Args:
        name: one of :data:`GATES`.
        train_images: uint8 (n, 96, 96).
        train_keypoints: float32 (n, 15, 2) in pixels, NaN = not labelled.
        scored_images: uint8 (m, 96, 96).

    Returns:
        float32 (m, 15, 2) in pixels.
    """
    targets = train_keypoints.reshape(len(train_keypoints), -1).astype(np.float64)
    if name == "mean_face":
        flat = np.tile(_column_means(targets), (len(scored_images), 1))
    else:
        flat = _fit_and_predict(name, small_pictures(train_images), targets, small_pictures(scored_images))
    return flat.reshape(-1, KEYPOINTS, 2).astype(np.float32)


def small_pictures(images: Images) -> NDArray[np.float64]:
    """24x24 block means of each picture with its own mean and contrast taken out: (n, 96, 96) -> (n, 576)."""
    block = FRAME_PX // SIDE
    small = images.reshape(-1, SIDE, block, SIDE, block).mean(axis=(2, 4), dtype=np.float64)
    flat = small.reshape(len(images), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / (flat.std(axis=1, keepdims=True) + 1e-6))


def _fit_and_predict(
    name: str, pictures: NDArray[np.float64], targets: NDArray[np.float64], scored: NDArray[np.float64]
) -> NDArray[np.float64]:
    flat = np.tile(_column_means(targets), (len(scored), 1))
    labelled = np.isfinite(targets)
    patterns, pattern_of = np.unique(labelled, axis=1, return_inverse=True)
    for pattern, rows in enumerate(patterns.T):
        # Coordinates that are labelled on the same rows share one fit.
        columns = np.flatnonzero(pattern_of == pattern)
        if rows.any():
            model = _regressor(name, int(rows.sum()))
            model.fit(pictures[rows], targets[np.ix_(rows, columns)])
            flat[:, columns] = model.predict(scored).reshape(len(scored), -1)  # ridge drops a single column's axis
    return flat


def _regressor(name: str, rows: int) -> Ridge | KNeighborsRegressor:
    if name == "ridge":
        return Ridge(alpha=RIDGE_PENALTY)
    return KNeighborsRegressor(n_neighbors=min(NEIGHBOURS, rows), weights="distance")


def _column_means(targets: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.isfinite(targets).sum(axis=0)
    # A coordinate that no training row has is put at the frame's centre.
    return np.where(counts > 0, np.nansum(targets, axis=0) / np.maximum(counts, 1), (FRAME_PX - 1) / 2)
