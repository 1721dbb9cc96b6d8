"""The scheme: conversions, normalisers, and what names alone tell."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bench.scheme import BOX, EYE_CENTRES, SEED_SCHEME, Scheme, mirror_from_names, scheme_of_names


@given(side=st.integers(16, 1024), value=st.floats(-2000, 2000))
def test_pixels_and_normalised_coordinates_are_inverse(side: int, value: float) -> None:
    scheme = scheme_of_names(("a", "b"), side)
    assert scheme.to_pixels(scheme.to_normalised(np.float64(value))) == pytest.approx(value, abs=1e-6)
    tensor = torch.tensor([value], dtype=torch.float64)
    assert float(scheme.to_pixels(scheme.to_normalised(tensor))) == pytest.approx(value, abs=1e-6)


def test_border_pixels_end_at_one() -> None:
    assert SEED_SCHEME.to_normalised(np.array([-0.5, 95.5])).tolist() == pytest.approx([-1, 1])


def test_the_seed_is_mirrored_by_its_names() -> None:
    mirror = SEED_SCHEME.mirror
    assert mirror is not None
    assert SEED_SCHEME.names[mirror[0]] == "right_eye_center"
    assert [mirror[place] for place in mirror] == list(range(15))
    assert SEED_SCHEME.normaliser == EYE_CENTRES


def test_mirroring_keeps_the_middle_and_flat_names_are_the_columns() -> None:
    mirror, names = SEED_SCHEME.mirror, SEED_SCHEME.names
    assert mirror is not None
    assert names[mirror[names.index("nose_tip")]] == "nose_tip"
    assert names[mirror[names.index("mouth_left_corner")]] == "mouth_right_corner"
    assert SEED_SCHEME.flat_names[:3] == ("left_eye_center_x", "left_eye_center_y", "right_eye_center_x")
    assert len(set(SEED_SCHEME.flat_names)) == 30


def test_names_without_sides_have_no_mirror_and_the_box() -> None:
    scheme = scheme_of_names(("snout", "left_ear", "tail"))
    assert scheme.mirror is None
    assert scheme.normaliser == BOX
    assert mirror_from_names(("left_ear", "right_ear", "snout")) == (1, 0, 2)


def test_normalisers_are_distances_of_points_or_means_or_the_box() -> None:
    points = np.array([[[0.0, 0.0], [2.0, 0.0], [7.0, 12.0]], [[0.0, 0.0], [np.nan, np.nan], [3.0, 4.0]]])
    names = ("a", "b", "c")
    means = Scheme(names=names, mirror=None, normaliser=(("a", "b"), ("c",)))
    assert means.normaliser_px(points)[0] == pytest.approx(np.hypot(6, 12))
    assert np.isnan(means.normaliser_px(points)[1])
    box = Scheme(names=names, mirror=None, normaliser="box")
    assert box.normaliser_px(points).tolist() == pytest.approx([np.hypot(7, 12), 5.0])
    assert np.isnan(box.normaliser_px(np.full((1, 3, 2), np.nan))).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"names": ("a", "a")},
        {"mirror": (0, 0)},
        {"normaliser": (("a",), ("z",))},
        {"side_px": 8},
        {"channels": 2},
    ],
)
def test_a_scheme_that_contradicts_itself_is_refused(wrong: dict[str, object]) -> None:
    facts = {"names": ("a", "b"), "mirror": None, "normaliser": BOX, **wrong}
    with pytest.raises(ValidationError):
        Scheme(**facts)  # type: ignore[arg-type]


def test_a_scheme_survives_its_record() -> None:
    assert Scheme.model_validate_json(SEED_SCHEME.model_dump_json()) == SEED_SCHEME
