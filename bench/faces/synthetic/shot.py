"""How a person is seen in one picture: pose, expression, light and camera."""

from dataclasses import dataclass

import numpy as np

LIMIT_DEGREES = {"yaw": 55.0, "pitch": 28.0}


@dataclass(frozen=True)
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

    jaw: float
    smile: float
    purse: float
    brow_raise: float
    frown: float
    opening: float
    gaze: tuple[float, float]


@dataclass(frozen=True)
class Light:
    """Where light comes from: directions towards the lights in camera axes (x right, y down, z to the camera)."""

    key: tuple[float, float, float]
    key_strength: float
    fill: tuple[float, float, float]
    fill_strength: float
    ambient: float
    shine: float


@dataclass(frozen=True)
class Camera:
    """What the camera does to the light: grey levels, blur in pixels, noise in grey levels.

    Attributes:
        mean, contrast: mean and standard deviation of the picture's grey values aimed at.
        gamma: exponent on relative brightness.
        blur_x_px, blur_y_px: standard deviations of the blur; a moving camera blurs one way more than the other.
        sharpen: strength of the ringing that video sharpening leaves.
        noise, noise_slope: strength in grey levels and spectral slope.
    """

    mean: float
    contrast: float
    gamma: float
    blur_x_px: float
    blur_y_px: float
    sharpen: float
    noise: float
    noise_slope: float


@dataclass(frozen=True)
class Shot:
    """One picture's circumstances; angles in degrees, ``size`` relative to the mean face, ``shift`` in pixels."""

    yaw: float
    pitch: float
    roll: float
    size: float
    shift: tuple[float, float]
    expression: Expression
    light: Light
    camera: Camera


def draw_shot(generator: np.random.Generator) -> Shot:
    """Circumstances at random; size, shift and roll have the spread of real labels (YouTube Faces frames)."""
    normal = generator.normal
    yaw = np.clip(19.0 * generator.standard_t(7) * np.sqrt(5 / 7), -LIMIT_DEGREES["yaw"], LIMIT_DEGREES["yaw"])
    pitch = np.clip(normal(0, 12.0), -LIMIT_DEGREES["pitch"], LIMIT_DEGREES["pitch"])
    return Shot(
        yaw=float(yaw),
        pitch=float(pitch),
        roll=normal(0, 7.3),
        size=float(np.clip(normal(1.008, 0.075), 0.78, 1.25)),
        shift=(normal(0, 2.2), normal(0, 2.4)),
        expression=_expression(generator),
        light=_light(generator),
        camera=_camera(generator),
    )


def _expression(generator: np.random.Generator) -> Expression:
    normal, uniform = generator.normal, generator.uniform
    talking = generator.random() < 0.6
    blink = generator.random() < 0.08
    return Expression(
        jaw=float(abs(normal(0, 5.5)) if talking else abs(normal(0, 0.6))),
        smile=float(np.clip(normal(0.6, 0.9), -1, 2.2)),
        purse=float(uniform(0, 0.5) if generator.random() < 0.2 else 0.0),
        brow_raise=normal(0, 1.6),
        frown=float(abs(normal(0, 0.7))),
        opening=float(uniform(0.1, 0.4) if blink else np.clip(normal(0.95, 0.22), 0.35, 1.5)),
        gaze=(float(np.clip(normal(0, 0.25), -0.6, 0.6)), normal(0, 0.12)),
    )


def _light(generator: np.random.Generator) -> Light:
    uniform = generator.uniform
    return Light(
        key=_direction(generator.normal(0, 45), generator.normal(28, 20)),
        key_strength=float(uniform(0.25, 1.1)),
        fill=_direction(uniform(-120, 120), uniform(-25, 45)),
        fill_strength=float(uniform(0, 0.5)),
        ambient=float(uniform(0.25, 0.8)),
        shine=float(uniform(0, 0.35)),
    )


def _direction(azimuth: float, elevation: float) -> tuple[float, float, float]:
    across, up = np.radians(azimuth), np.radians(elevation)
    return float(np.sin(across) * np.cos(up)), float(-np.sin(up)), float(np.cos(across) * np.cos(up))


def _camera(generator: np.random.Generator) -> Camera:
    normal, uniform = generator.normal, generator.uniform
    blur = uniform(0.3, 0.8) + abs(normal(0, 0.5))
    moving = generator.random() < 0.15
    return Camera(
        mean=float(np.clip(normal(105, 27), 40, 190)),
        contrast=float(np.clip(normal(43, 11), 18, 75)),
        gamma=float(uniform(0.6, 1.3)),
        blur_x_px=float(blur + (uniform(0.3, 1.5) if moving else 0.0)),
        blur_y_px=float(blur),
        sharpen=float(uniform(0, 0.8)),
        noise=float(uniform(0.2, 3.0)),
        noise_slope=float(generator.choice([0.2, 0.6])),
    )
