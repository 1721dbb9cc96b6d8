"""Gates: three predictors without a network, which every network must beat. They take seconds.

Each is fitted per coordinate on the rows where that coordinate is labelled.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.faces.thumbnails import shrink

if TYPE_CHECKING:
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor

GATES: tuple[str, ...] = ("mean_face", "knn", "ridge")

NEIGHBOURS = 5
RIDGE_PENALTY = 300.0

Images = NDArray[np.uint8]
Points = NDArray[np.float32]


def predict_gate(name: str, train_images: Images, train_keypoints: Points, scored_images: Images) -> Points:
    """Fit a gate and predict.

    Args:
        name: one of :data:`GATES`.
        train_images: uint8 (n, side, side), in colour (n, side, side, 3).
        train_keypoints: float32 (n, K, 2) in pixels, NaN = not labelled.
        scored_images: uint8 (m, side, side[, 3]).

    Returns:
        float32 (m, K, 2) in pixels; a coordinate that no training row has is put at the frame's centre.
    """
    targets = train_keypoints.reshape(len(train_keypoints), -1).astype(np.float64)
    labelled = np.isfinite(targets)
    counts = labelled.sum(axis=0)
    means = np.where(counts > 0, np.nansum(targets, axis=0) / np.maximum(counts, 1), (train_images.shape[1] - 1) / 2)
    flat = np.tile(means, (len(scored_images), 1))
    if name != "mean_face":
        train, scored = small_pictures(train_images), small_pictures(scored_images)
        patterns, pattern_of = np.unique(labelled, axis=1, return_inverse=True)
        for pattern, rows in enumerate(patterns.T):
            # Coordinates that are labelled on the same rows share one fit.
            columns = np.flatnonzero(pattern_of == pattern)
            if rows.any():
                model = _regressor(name, int(rows.sum()))
                model.fit(train[rows], targets[np.ix_(rows, columns)])
                flat[:, columns] = model.predict(scored).reshape(len(scored), -1)  # ridge drops a single column's axis
    return flat.reshape(-1, *train_keypoints.shape[1:]).astype(np.float32)


def small_pictures(images: Images) -> NDArray[np.float64]:
    """24x24 grey area means of each picture, its own mean and contrast taken out: (n, side, side[, 3]) -> (n, 576)."""
    flat = shrink(images, np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / (flat.std(axis=1, keepdims=True) + 1e-6))


def _regressor(name: str, rows: int) -> "Ridge | KNeighborsRegressor":
    # Here, since whoever only wants to know the names would wait a second for it.
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor

    if name == "ridge":
        return Ridge(alpha=RIDGE_PENALTY)
    return KNeighborsRegressor(n_neighbors=min(NEIGHBOURS, rows), weights="distance")
