"""Small grey versions of pictures, as gates and near-duplicate clusters see them."""

from functools import cache

import numpy as np
from numpy.typing import DTypeLike, NDArray

SIDE = 24


def shrink(images: NDArray[np.uint8], dtype: DTypeLike) -> NDArray[np.floating]:
    """Area means over 24x24 cells and all channels: uint8 (n, side, side[, 3]) -> ``dtype`` (n, 576), any side."""
    rows, side = images.shape[:2]
    block = side // SIDE
    if side % SIDE == 0:
        # Sums of whole numbers are exact whatever their order, so that neither threads nor channels change a bit.
        cells = images.reshape(rows, SIDE, block, SIDE, block, -1)
        return np.asarray(cells.mean(axis=(2, 4, 5), dtype=dtype)).reshape(rows, -1)
    grey = images.reshape(rows, side, side, -1).mean(axis=3, dtype=dtype)
    share = _shares(side).astype(dtype)
    return np.asarray(share @ grey @ share.T).reshape(rows, -1)


@cache
def _shares(side: int) -> NDArray[np.float64]:
    """How much of each of 24 cells each of ``side`` pixels covers: (24, side), rows summing to 1."""
    edges = np.arange(SIDE + 1) * (side / SIDE)
    pixels = np.arange(side)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.maximum(overlap, 0) * (SIDE / side))
