"""Who is drawn: everything that stays the same in all pictures of one person.

Lengths are in pixels of the mean face (eye centres 35 px apart). The head's own axes: x to the subject's left (right in
the picture), y down, z out of the face; the origin lies on the vertical axis of the head, at the height of the nose.
"""

import numpy as np


class Person:
    """One identity, drawn at random. Positions are (x, y) on the frontal face; the left side mirrors the right one.

    Attributes:
        eye_x, eye_y, eye_half_width, eye_tilt, lid: eye centre, half width, outer corner's rise, natural opening.
        brow_inner, brow_outer, brow_arch, brow_thickness, brow_darkness: ends (x, y), rise of the arch, look.
        nose_y, nose_height, nose_width: tip's y, how far it stands out, scale of its width.
        mouth_y, mouth_half_width, upper_lip, lower_lip, lip_albedo: mouth line and lips; albedo relative to skin.
        jaw_width, face_width, chin_y, depth: scales of the jaw and face, y of the chin's lowest point, scale along z.
        socket, cheek: depth of the eye sockets, height of the cheek bones.
        skin, hair, iris: albedos, 0 to 1.
        hairline_y, temple_y, side_y, hair_thickness, hair_roughness: where hair starts at the front, at the temples and
            beside the ears (a large ``side_y`` is long hair), how far it stands out, how uneven it is.
        beard, moustache, stubble: 0 to 1.
        glasses: 0 none, 1 thin rims, 2 thick rims, 3 dark lenses; ``lens``: half width, half height, roundness.
        age: 0 to 1, depth of folds and bags.
        texture: offset into the noise tiles.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        normal, uniform = generator.normal, generator.uniform
        feminine = generator.random() < 0.45
        self.skin = float(np.clip(normal(0.62, 0.13), 0.22, 0.85))
        grey_hair = generator.random() < 0.25
        darkest = 0.14 if self.skin < 0.5 else 0.45
        self.hair = float(uniform(0.35, 0.8) if grey_hair else uniform(0.03, darkest))
        brow_y = normal(-21.1, 1.5) + (-0.8 if feminine else 0.6)
        self.eye_x = normal(18.0, 0.7)
        self.eye_y = normal(-9.2, 0.7)
        self.eye_half_width = normal(6.9, 0.4)
        self.eye_tilt = normal(0.5, 0.6)
        self.lid = float(np.clip(normal(4.6, 0.8), 2.8, 6.5))
        self.brow_inner = (normal(10.1, 1.2), brow_y)
        self.brow_outer = (normal(33.0, 1.2), brow_y + normal(2.0, 1.3))
        self.brow_arch = float(np.clip(normal(3.6 if feminine else 2.4, 1.2), 0, 7))
        self.brow_thickness = float(np.clip(normal(1.3 if feminine else 1.9, 0.4), 0.7, 3.0))
        self.brow_darkness = float(uniform(0.3, 0.9))
        self.nose_y = normal(10.0, 1.4)
        self.nose_height = normal(16.5, 1.7)
        self.nose_width = float(np.clip(normal(0.94 if feminine else 1.08, 0.14), 0.7, 1.5))
        self.mouth_y = normal(29.0, 1.4)
        self.mouth_half_width = normal(14.7, 1.1)
        self.upper_lip = float(np.clip(normal(3.6, 0.9), 1.6, 6.0))
        self.lower_lip = float(np.clip(normal(5.0, 1.0), 2.4, 8.0))
        self.lip_albedo = float(np.clip(normal(0.62 if feminine else 0.78, 0.12), 0.35, 1.0))
        self.jaw_width = float(np.clip(normal(0.96 if feminine else 1.05, 0.07), 0.8, 1.25))
        self.face_width = float(np.clip(normal(1.0, 0.045), 0.88, 1.12))
        self.chin_y = normal(53.5, 2.2) + (-1.0 if feminine else 1.0)
        self.depth = float(np.clip(normal(1.0, 0.06), 0.85, 1.15))
        self.socket = normal(4.6, 1.2)
        self.cheek = normal(2.4, 1.0)
        self.iris = float(uniform(0.06, 0.35))
        self._draw_hair(generator, feminine)
        self._draw_face_hair(generator, feminine)
        self.glasses = int(generator.choice(4, p=[0.78, 0.1, 0.09, 0.03]))
        self.lens = (uniform(11.5, 14.5), uniform(7.0, 10.5), uniform(2.0, 5.0))
        self.age = float(uniform(0, 1) ** 1.5)
        self.texture = float(uniform(0, 256))

    def _draw_hair(self, generator: np.random.Generator, feminine: bool) -> None:
        normal, uniform = generator.normal, generator.uniform
        bald = not feminine and generator.random() < 0.2
        fringe = generator.random() < (0.3 if feminine else 0.12)
        long = generator.random() < (0.75 if feminine else 0.06)
        hairline = normal(-39.0, 3.5)
        if fringe:
            hairline = uniform(-29, -22)
        if bald:
            hairline = uniform(-75, -52)
        self.hairline_y = float(hairline)
        self.temple_y = float(hairline + (uniform(-6, 4) if bald else uniform(2, 14)))
        self.side_y = float(uniform(45, 110) if long else uniform(-6, 14))
        self.hair_thickness = float(uniform(0.5, 2) if bald else uniform(6, 16) if feminine else uniform(2, 9))
        self.hair_roughness = float(uniform(0.5, 3.0))

    def _draw_face_hair(self, generator: np.random.Generator, feminine: bool) -> None:
        self.beard = self.moustache = self.stubble = 0.0
        if feminine:
            return
        style = generator.random()
        strength = float(generator.uniform(0.45, 1.0))
        self.beard = strength if style < 0.16 else 0.0
        self.moustache = strength if style < 0.28 else 0.0
        self.stubble = float(generator.uniform(0, 0.35))
