"""From relative brightness to the grey values of a video frame: 144 samples a side to 96 pixels."""

import numpy as np
from numpy.typing import NDArray

from bench.faces.synthetic.noise import Floats, lookup, noise_tile
from bench.faces.synthetic.shot import Camera
from bench.scheme import SEED_SCHEME


def expose(brightness: Floats, camera: Camera, generator: np.random.Generator) -> NDArray[np.uint8]:
    """The picture, uint8 (96, 96), of relative brightness float32 (144, 144)."""
    picture = _shrink(np.maximum(brightness, 0) ** np.float32(camera.gamma))
    picture = _blur(_blur(picture, camera.blur_x_px).T, camera.blur_y_px).T
    if camera.sharpen > 0.1:
        soft = _blur(_blur(picture, 1.4).T, 1.4).T
        picture = picture + camera.sharpen * (picture - soft)
    scale = camera.contrast / max(float(picture.std()), 1e-3)
    grey = camera.mean + scale * (picture - picture.mean())
    grey += camera.noise * _grain(camera.noise_slope, generator)
    return np.asarray(np.clip(np.rint(grey), 0, 255), dtype=np.uint8)


def _grain(slope: float, generator: np.random.Generator) -> Floats:
    start = generator.integers(0, 256, 2)
    along = np.arange(SEED_SCHEME.side_px, dtype=np.float32)
    flipped = along if generator.random() < 0.5 else along[::-1]
    return lookup(noise_tile(slope), (flipped + start[0])[None, :], (along + start[1])[:, None])


def _shrink(picture: Floats) -> Floats:
    """Area means of 3 samples to 2 pixels along both axes (sliced sums: the same bits on any number of threads)."""
    for _ in range(2):
        first, middle, last = picture[0::3], picture[1::3], picture[2::3]
        pairs = np.stack([2 * first + middle, middle + 2 * last], axis=1) * np.float32(1 / 3)
        picture = pairs.reshape(-1, picture.shape[1]).T
    return np.asarray(picture)


def _blur(picture: Floats, sigma: float) -> Floats:
    """Gaussian blur along x; the border repeats."""
    if sigma < 0.25:
        return picture
    reach = max(1, round(2.6 * sigma))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    width = picture.shape[1]
    padded = np.take(picture, np.clip(np.arange(-reach, width + reach), 0, width - 1), axis=1)
    total = taps[0] * padded[:, :width]
    for position, tap in enumerate(taps[1:], start=1):
        total = total + tap * padded[:, position : position + width]
    return np.asarray(total)
