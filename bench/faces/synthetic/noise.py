"""Random numbers and random textures that do not depend on the process, its threads or the order of drawing."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

TILE = 256
"""Side of a noise tile; tiles repeat without a seam."""


def stream(seed: int, *path: int) -> np.random.Generator:
    """An own generator for one person or one picture: the same whatever was drawn before."""
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=path))


@cache
def noise_tile(slope: float, across: float = 1.0) -> Floats:
    """Noise with amplitude falling as ``frequency ** -slope``: float32 (256, 256), mean 0, standard deviation 1.

    Args:
        slope: 0 is white, 1 like natural pictures, 2 clouds.
        across: frequencies down the tile count this many times as much; above 1 draws strands that run along y.
    """
    generator = np.random.default_rng([17, round(1000 * slope), round(1000 * across)])
    down = np.fft.fftfreq(TILE)[:, None] * TILE * across
    right = np.fft.rfftfreq(TILE)[None, :] * TILE
    amplitude = np.maximum(np.hypot(down, right), 1.0) ** -slope
    amplitude[0, 0] = 0.0
    phase = generator.uniform(0, 2 * np.pi, amplitude.shape)
    tile = np.fft.irfft2(amplitude * np.exp(1j * phase), (TILE, TILE))
    return np.asarray((tile - tile.mean()) / tile.std(), dtype=np.float32)


def lookup(tile: Floats, x: Floats, y: Floats) -> Floats:
    """The tile's value at real-valued coordinates (nearest cell, repeating); shapes of ``x`` and ``y``."""
    column = x.astype(np.int32) & (TILE - 1)
    row = y.astype(np.int32) & (TILE - 1)
    return np.asarray(tile.ravel()[row * TILE + column])


def smooth_step(low: float, high: float, value: Floats) -> Floats:
    """0 below ``low``, 1 above ``high``, a smooth cubic between (``low > high`` falls instead)."""
    unit = (value - np.float32(low)) * np.float32(1.0 / (high - low))
    unit = np.minimum(np.maximum(unit, np.float32(0)), np.float32(1))
    smooth = unit * np.float32(-2)
    smooth += np.float32(3)
    smooth *= unit
    smooth *= unit
    return np.asarray(smooth)
