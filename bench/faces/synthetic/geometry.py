"""Where eyes, brows and mouth are on the frontal face, for one person with one expression; the keypoints follow."""

import numpy as np
from numpy.typing import NDArray

from bench.faces.synthetic.noise import Floats
from bench.faces.synthetic.person import Person
from bench.faces.synthetic.shot import Expression
from bench.scheme import SEED_SCHEME, mirrored_name

NOSE_POINT_BELOW_TIP = 1.6
"""The labels' nose point lies on the underside of the tip."""


class FaceGeometry:
    """Curves of one face on the subject's left side (x > 0), head units; the right side mirrors it.

    Attributes:
        eye: (x, y) of the middle between the corners; ``eye_half_width``; ``eye_tilt``: rise of the outer corner.
        lid_up, lid_down: how far the lids stand above and below the line through the corners, at its middle.
        brow_inner, brow_outer: ends of the brow's centre line; ``brow_arch``: its rise between them.
        mouth_corner: (x, y). ``lip_top``, ``lip_bottom``: y of the outer lip edges in the middle.
        gap_top, gap_bottom: y of the inner lip edges in the middle; equal when the mouth is closed.
        nose: (x, y) of the nose point.
    """

    def __init__(self, person: Person, expression: Expression) -> None:
        smile, jaw, raised = expression.smile, expression.jaw, expression.brow_raise
        widening = 1 + 0.11 * smile - 0.22 * expression.purse - 0.012 * jaw
        thin = 1 - 0.12 * max(smile, 0) + 0.15 * expression.purse
        # A broad smile shows the upper teeth without a lowered jaw.
        teeth = 1.6 * max(smile - 0.9, 0)
        opening = person.lid * expression.opening * (1 - 0.12 * max(smile, 0)) * (1 + 0.04 * raised)
        (inner_x, inner_y), (outer_x, outer_y) = person.brow_inner, person.brow_outer
        self.eye = (person.eye_x, person.eye_y)
        self.eye_half_width = person.eye_half_width
        self.eye_tilt = person.eye_tilt
        self.lid_up = 0.62 * opening + 0.25 * (1 - expression.opening)
        self.lid_down = 0.38 * opening
        self.brow_inner = (inner_x - 0.8 * expression.frown, inner_y - raised + 1.3 * expression.frown)
        self.brow_outer = (outer_x, outer_y - 0.7 * raised)
        self.brow_arch = person.brow_arch + 0.3 * raised
        self.mouth_corner = (person.mouth_half_width * widening, person.mouth_y - 1.3 * smile + 0.35 * jaw)
        self.gap_top = person.mouth_y - 0.35 * smile - 0.7 * teeth
        self.gap_bottom = self.gap_top + jaw + 1.5 * teeth
        self.lip_top = self.gap_top - person.upper_lip * thin
        self.lip_bottom = self.gap_bottom + person.lower_lip * thin
        self.nose = (0.0, person.nose_y + NOSE_POINT_BELOW_TIP)

    def brow_line(self, along: Floats) -> Floats:
        """y of the brow's centre line at ``along``, 0 at the inner and 1 at the outer end."""
        rise = 4 * along * (1 - along) * (0.7 + 0.6 * along) * np.float32(self.brow_arch)
        return np.asarray(self.brow_inner[1] + along * (self.brow_outer[1] - self.brow_inner[1]) - rise)

    def eye_line(self, across: Floats) -> Floats:
        """y of the line through the corners at ``across``, -1 at the inner and 1 at the outer corner."""
        return np.asarray(self.eye[1] - 0.5 * self.eye_tilt * across)

    def frontal_points(self) -> NDArray[np.float64]:
        """The keypoints (15, 2) on the frontal face."""
        (eye_x, eye_y), half = self.eye, self.eye_half_width
        # Eye centres are means of six points: two corners, two on each lid at a third from the middle.
        centre_y = eye_y + 4 * (8 / 9) * (self.lid_down - self.lid_up) / 2 / 6
        left = {
            "left_eye_center": (eye_x, centre_y),
            "left_eye_inner_corner": (eye_x - half, eye_y + 0.5 * self.eye_tilt),
            "left_eye_outer_corner": (eye_x + half, eye_y - 0.5 * self.eye_tilt),
            "left_eyebrow_inner_end": self.brow_inner,
            "left_eyebrow_outer_end": self.brow_outer,
            "mouth_left_corner": self.mouth_corner,
        }
        places = {
            **left,
            **{mirrored_name(name): (-x, y) for name, (x, y) in left.items()},
            "nose_tip": self.nose,
            "mouth_center_top_lip": (0.0, self.lip_top),
            "mouth_center_bottom_lip": (0.0, self.lip_bottom),
        }
        return np.array([places[name] for name in SEED_SCHEME.names])
