"""Names, mirror and the one conversion between pixels and normalised coordinates."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.faces.keypoints import KEYPOINT_NAMES, MIRROR, flat_names, to_normalised, to_pixels


@given(st.lists(st.floats(-1, 97, width=32), min_size=2, max_size=30))
def test_pixels_survive_the_round_trip(values: list[float]) -> None:
    pixels = np.array(values, dtype=np.float64)
    assert np.allclose(to_pixels(to_normalised(pixels)), pixels, atol=1e-9)
    tensor = torch.tensor(values)
    assert torch.allclose(to_pixels(to_normalised(tensor)), tensor, atol=1e-4)


def test_the_frame_edges_are_the_outer_edges_of_the_border_pixels() -> None:
    assert np.allclose(to_normalised(np.array([-0.5, 47.5, 95.5])), [-1, 0, 1])


def test_mirroring_twice_is_the_identity_and_keeps_the_middle() -> None:
    assert [MIRROR[index] for index in MIRROR] == list(range(15))
    assert KEYPOINT_NAMES[MIRROR[0]] == "right_eye_center"
    assert KEYPOINT_NAMES[MIRROR[KEYPOINT_NAMES.index("nose_tip")]] == "nose_tip"
    assert KEYPOINT_NAMES[MIRROR[KEYPOINT_NAMES.index("mouth_left_corner")]] == "mouth_right_corner"


def test_flat_names_are_the_thirty_columns() -> None:
    assert flat_names()[:3] == ["left_eye_center_x", "left_eye_center_y", "right_eye_center_x"]
    assert len(set(flat_names())) == 30
