"""How bright each sample of the head is: Lambert's law for two lights, their shadows, and a shine (Blinn 1977)."""

import numpy as np

from bench.faces.synthetic.head import Head
from bench.faces.synthetic.noise import Floats, smooth_step
from bench.faces.synthetic.painting import Paint, Skin
from bench.faces.synthetic.shot import Light
from bench.faces.synthetic.tracing import View, clearance

SHADOW_STEPS = (2.5, 5.0, 9.0, 15.0)
SHININESS = 18
WRAP = 0.2
"""Skin scatters light a little way round the edge of the shadow."""


def light_up(paint: Paint, skin: Skin, normal: Floats, head: Head, view: View, light: Light) -> Floats:
    """Relative brightness float32 (n,) of the samples with outward normals ``normal`` (n, 3) in head axes."""
    key, fill = _to_head(view, light.key), _to_head(view, light.fill)
    lit = _lambert(normal, key) * _unshadowed(skin, head, key)
    sky = 0.78 - 0.22 * (normal @ _to_head(view, (0.0, 1.0, 0.0)))
    brightness = light.ambient * sky + light.key_strength * lit + light.fill_strength * _lambert(normal, fill)
    halfway = key + _to_head(view, (0.0, 0.0, 1.0))
    halfway /= np.linalg.norm(halfway) + 1e-6
    shine = np.clip(normal @ halfway.astype(np.float32), 0, 1) ** SHININESS
    return np.asarray(paint.albedo * brightness + light.shine * light.key_strength * paint.gloss * shine * lit)


def _to_head(view: View, direction: tuple[float, float, float]) -> np.ndarray:
    return np.asarray(np.asarray(direction) @ view.rotation, dtype=np.float32)


def _lambert(normal: Floats, direction: np.ndarray) -> Floats:
    return np.asarray(np.maximum((normal @ direction + WRAP) * np.float32(1 / (1 + WRAP)), 0))


def _unshadowed(skin: Skin, head: Head, direction: np.ndarray) -> Floats:
    """1 where the way to the light is free, 0 where nose, brow or hair stand in it."""
    free = np.full_like(skin.x, 4.0)
    for step in SHADOW_STEPS:
        x, y, z = (
            start + np.float32(step * along) for start, along in zip((skin.x, skin.y, skin.z), direction, strict=True)
        )
        free = np.minimum(free, clearance(head, x, y, z))
    return np.asarray(0.25 + 0.75 * smooth_step(-2.6, 0.2, free))
