"""Points that the field knows by their number alone: names for files that give none.

The order of each set is its publisher's: 68 of Multi-PIE as iBUG's 300-W has them, 98 of WFLW, 106 of LaPa, 29 of COFW,
19 of AFLW, 17 of COCO's people, 21 of a hand (FreiHAND), 20 of Animal-Pose. The names are bench's, with the subject's
left and right as everywhere, so that mirror pairs and normaliser follow from them as from those of a CSV, and a
converted file is read alike. Pairs agree with the tables that mmpose publishes for these sets.
"""


def _run(stem: str, first: int, last: int) -> list[str]:
    """``stem_first`` to ``stem_last``, in either direction."""
    step = 1 if first <= last else -1
    return [f"{stem}_{number}" for number in range(first, last + step, step)]


def _jaw(each: int) -> list[str]:
    return [*_run("right_jaw", 1, each), "chin", *_run("left_jaw", each, 1)]


def _eyes(lids: int) -> list[str]:
    """Both eyes as 68 and 98 points have them, ``lids`` points on each lid, numbered from the outer corner."""
    right = ["right_eye_outer_corner", *_run("right_upper_eyelid", 1, lids), "right_eye_inner_corner"]
    left = ["left_eye_inner_corner", *_run("left_upper_eyelid", lids, 1), "left_eye_outer_corner"]
    return [*right, *_run("right_lower_eyelid", lids, 1), *left, *_run("left_lower_eyelid", 1, lids)]


BROWS_OF_NINE = [*_run("right_eyebrow", 1, 9), *_run("left_eyebrow", 5, 1), *_run("left_eyebrow", 9, 6)]
BRIDGE = [*_run("nose_bridge", 1, 3), "nose_tip"]
MOUTH = [
    "mouth_right_corner", *_run("right_outer_upper_lip", 1, 2), "mouth_center_top_lip",
    *_run("left_outer_upper_lip", 2, 1), "mouth_left_corner", *_run("left_outer_lower_lip", 1, 2),
    "mouth_center_bottom_lip", *_run("right_outer_lower_lip", 2, 1),
    "mouth_right_inner_corner", "right_inner_upper_lip", "inner_top_lip", "left_inner_upper_lip",
    "mouth_left_inner_corner", "left_inner_lower_lip", "inner_bottom_lip", "right_inner_lower_lip",
]  # fmt: skip

FACE_68 = [
    *_jaw(8), *_run("right_eyebrow", 1, 5), *_run("left_eyebrow", 5, 1), *BRIDGE,
    *_run("right_nostril", 1, 2), "nose_base", *_run("left_nostril", 2, 1), *_eyes(2), *MOUTH,
]  # fmt: skip
FACE_98 = [
    *_jaw(16), *BROWS_OF_NINE, *BRIDGE, *_run("right_nostril", 1, 2), "nose_base", *_run("left_nostril", 2, 1),
    *_eyes(3), *MOUTH, "right_pupil", "left_pupil",
]  # fmt: skip
FACE_106 = [
    *_jaw(16), *BROWS_OF_NINE, *BRIDGE, *_run("right_nose", 1, 5), "nose_base", *_run("left_nose", 5, 1),
    *_eyes(3)[:8], "right_iris", *_eyes(3)[8:], "left_iris", *MOUTH, "right_pupil", "left_pupil",
]  # fmt: skip
FACE_29 = [
    "right_eyebrow_outer_end", "left_eyebrow_outer_end", "right_eyebrow_inner_end", "left_eyebrow_inner_end",
    "right_eyebrow_top", "right_eyebrow_bottom", "left_eyebrow_top", "left_eyebrow_bottom",
    "right_eye_outer_corner", "left_eye_outer_corner", "right_eye_inner_corner", "left_eye_inner_corner",
    "right_upper_eyelid", "right_lower_eyelid", "left_upper_eyelid", "left_lower_eyelid", "right_pupil", "left_pupil",
    "right_nostril", "left_nostril", "nose_tip", "nose_base", "mouth_right_corner", "mouth_left_corner",
    "mouth_center_top_lip", "inner_top_lip", "inner_bottom_lip", "mouth_center_bottom_lip", "chin",
]  # fmt: skip
FACE_19 = [
    "right_eyebrow_outer_end", "right_eyebrow_middle", "right_eyebrow_inner_end",
    "left_eyebrow_inner_end", "left_eyebrow_middle", "left_eyebrow_outer_end",
    "right_eye_outer_corner", "right_eye_center", "right_eye_inner_corner",
    "left_eye_inner_corner", "left_eye_center", "left_eye_outer_corner",
    "right_nostril", "nose_tip", "left_nostril", "mouth_right_corner", "mouth_center", "mouth_left_corner", "chin",
]  # fmt: skip
PERSON_17 = [
    "nose",
    *(f"{side}_{part}" for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
      for side in ("left", "right")),
]  # fmt: skip
HAND_21 = [
    "wrist",
    *(f"{finger}_{n}" for finger in ("thumb", "index", "middle", "ring", "little") for n in range(1, 5)),
]
ANIMAL_20 = [
    "left_eye", "right_eye", "left_ear_base", "right_ear_base", "nose", "throat", "tail_base", "withers",
    *(f"{side}_{end}_{part}" for part in ("elbow", "knee", "paw") for end in ("front", "back")
      for side in ("left", "right")),
]  # fmt: skip

KNOWN: dict[int, tuple[str, tuple[str, ...]]] = {
    len(names): (words, tuple(names))
    for words, names in (
        ("68 points of a face (300-W)", FACE_68),
        ("98 points of a face (WFLW)", FACE_98),
        ("106 points of a face (LaPa)", FACE_106),
        ("29 points of a face (COFW)", FACE_29),
        ("19 points of a face (AFLW)", FACE_19),
        ("17 points of a person (COCO)", PERSON_17),
        ("21 points of a hand (FreiHAND)", HAND_21),
        ("20 points of an animal (Animal-Pose)", ANIMAL_20),
    )
}
"""By the number of points: what they are in words, and their names."""


def is_known(names: tuple[str, ...]) -> bool:
    """Whether these are the points of a known set, in any order."""
    return len(names) in KNOWN and set(names) == set(KNOWN[len(names)][1])
