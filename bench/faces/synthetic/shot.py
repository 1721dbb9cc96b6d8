"""How a person is seen in one picture: pose, expression, light and camera."""

import numpy as np

MOST_YAW, MOST_PITCH = 55.0, 28.0
"""Degrees to either side."""


class Expression:
    """What the face does. Lengths in pixels of the mean face.

    Attributes:
        jaw: how far the lower lip and the chin are lowered.
        smile: -1 (corners down) to 2.
        purse: 0 to 1, mouth drawn together.
        brow_raise, frown: how far the brows go up, and their inner ends down and together.
        opening: factor on the eyes' natural opening; 0.1 is closed.
        gaze: where the iris stands, (x, y) as parts of the eye's half width and opening.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        normal, uniform = generator.normal, generator.uniform
        talking = generator.random() < 0.6
        blink = generator.random() < 0.08
        self.jaw = float(abs(normal(0, 5.5)) if talking else abs(normal(0, 0.6)))
        self.smile = float(np.clip(normal(0.6, 0.9), -1, 2.2))
        self.purse = float(uniform(0, 0.5) if generator.random() < 0.2 else 0.0)
        self.brow_raise = normal(0, 1.6)
        self.frown = float(abs(normal(0, 0.7)))
        self.opening = float(uniform(0.1, 0.4) if blink else np.clip(normal(0.95, 0.22), 0.35, 1.5))
        self.gaze = (float(np.clip(normal(0, 0.25), -0.6, 0.6)), normal(0, 0.12))


class Light:
    """Where light comes from: directions towards the lights in camera axes (x right, y down, z to the camera)."""

    def __init__(self, generator: np.random.Generator) -> None:
        uniform = generator.uniform
        self.key = _direction(generator.normal(0, 45), generator.normal(28, 20))
        self.key_strength = float(uniform(0.25, 1.1))
        self.fill = _direction(uniform(-120, 120), uniform(-25, 45))
        self.fill_strength = float(uniform(0, 0.5))
        self.ambient = float(uniform(0.25, 0.8))
        self.shine = float(uniform(0, 0.35))


class Camera:
    """What the camera does to the light: grey levels, blur in pixels, noise in grey levels.

    Attributes:
        mean, contrast: mean and standard deviation of the picture's grey values aimed at.
        gamma: exponent on relative brightness.
        blur_x_px, blur_y_px: standard deviations of the blur; a moving camera blurs one way more than the other.
        sharpen: strength of the ringing that video sharpening leaves.
        noise, noise_slope: strength in grey levels and spectral slope.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        normal, uniform = generator.normal, generator.uniform
        blur = uniform(0.3, 0.8) + abs(normal(0, 0.5))
        moving = generator.random() < 0.15
        self.mean = float(np.clip(normal(105, 27), 40, 190))
        self.contrast = float(np.clip(normal(43, 11), 18, 75))
        self.gamma = float(uniform(0.6, 1.3))
        self.blur_x_px = float(blur + (uniform(0.3, 1.5) if moving else 0.0))
        self.blur_y_px = float(blur)
        self.sharpen = float(uniform(0, 0.8))
        self.noise = float(uniform(0.2, 3.0))
        self.noise_slope = float(generator.choice([0.2, 0.6]))


class Shot:
    """One picture's circumstances; angles in degrees, ``size`` relative to the mean face, ``shift`` in pixels."""

    def __init__(self, generator: np.random.Generator) -> None:
        normal = generator.normal
        self.yaw = float(np.clip(19.0 * generator.standard_t(7) * np.sqrt(5 / 7), -MOST_YAW, MOST_YAW))
        self.pitch = float(np.clip(normal(0, 12.0), -MOST_PITCH, MOST_PITCH))
        self.roll = normal(0, 7.3)
        self.size = float(np.clip(normal(1.008, 0.075), 0.78, 1.25))
        self.shift = (normal(0, 2.2), normal(0, 2.4))
        self.expression = Expression(generator)
        self.light = Light(generator)
        self.camera = Camera(generator)


def _direction(azimuth: float, elevation: float) -> tuple[float, float, float]:
    across, up = np.radians(azimuth), np.radians(elevation)
    return float(np.sin(across) * np.cos(up)), float(-np.sin(up)), float(np.cos(across) * np.cos(up))
