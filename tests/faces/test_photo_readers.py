"""Whole photos of every form become faces: points follow, groups hold, guesses are said."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.faces.cropping import Box, Square
from bench.faces.csv_reading import MARGIN_PX
from bench.faces.known_points import KNOWN
from bench.faces.pts_reading import photo_names
from bench.scheme import BOX, mirror_from_names, side_of
from tests.faces import photos as made


def one_blob(x: float, y: float) -> made.Drawn:
    """A photo with one blob well apart, and a second point to give the box a size."""
    grid_x, grid_y = np.arange(300), np.arange(300)[:, None]
    picture = 20 + 200 * np.exp(-((grid_x - x) ** 2 + (grid_y - y) ** 2) / 18)
    return made.Drawn(picture.astype(np.uint8), np.array([[x, y], [x + 60, y + 60]]))


@pytest.mark.parametrize("form", ["pts", "coco", "deeplabcut"])
def test_points_follow_the_picture_to_a_fraction_of_a_pixel(tmp_path: Path, form: str) -> None:
    """The blob is where the label says, in every form: one pixel of the photo is a third of one here."""
    photos = [one_blob(*place) for place in np.random.default_rng(0).uniform(110, 150, (6, 2))]
    if form == "pts":
        faces = made.read(made.write_pts(tmp_path / "set", photos))
    elif form == "coco":
        faces = made.read(made.write_coco(tmp_path / "set", photos, made.coco_document(photos)))
    else:
        faces = made.read(made.write_deeplabcut(tmp_path / "set", photos, ("a", "b")))
    found = np.concatenate(
        [made.centroids(image, points[:1]) for image, points in zip(faces.images, faces.keypoints, strict=True)]
    )
    assert np.abs(found - faces.keypoints[:, 0]).max() < 0.1


def test_a_pts_file_read_from_0_is_a_pixel_off(tmp_path: Path) -> None:
    folder = made.write_pts(tmp_path / "set", [one_blob(120.3, 133.8)])
    right, wrong = (made.read(folder, crop="frame", side_px=300, first_pixel=first) for first in (None, 0))
    found = made.centroids(right.images[0], right.keypoints[0, :1])
    assert np.abs(found - right.keypoints[0, 0]).max() < 0.1
    assert np.allclose(wrong.keypoints - right.keypoints, 1, atol=1e-4)
    assert any("counts pixels from 1" in note for note in right.notes)
    assert not any("counts pixels from 1" in note for note in wrong.notes)


@settings(deadline=None, max_examples=100)
@given(
    left=st.floats(-50, 150), top=st.floats(-50, 150), width=st.floats(1, 200), height=st.floats(0, 200),
    margin=st.floats(0, 2), side_px=st.integers(16, 256),
)  # fmt: skip
def test_a_square_holds_its_box_and_maps_corners(
    left: float, top: float, width: float, height: float, margin: float, side_px: int
) -> None:
    square = Box(left, top, width, height).square(margin)
    assert square.side >= max(width, height) - 1e-9
    corners = np.array([[square.left, square.top], [square.left + square.side, square.top + square.side]]) - 0.5
    assert np.allclose(square.points(corners, side_px), [[-0.5, -0.5], [side_px - 0.5, side_px - 0.5]], atol=1e-6)
    middle = np.array([[left + width / 2 - 0.5, top + height / 2 - 0.5]])
    assert np.allclose(square.points(middle, side_px), (side_px - 1) / 2, atol=1e-6)


def test_fine_stripes_become_grey_and_no_coarse_stripes() -> None:
    stripes = np.where(np.arange(800) % 2, 255, 0).astype(np.uint8)
    photo = Image.fromarray(np.tile(stripes, (800, 1)))
    picture = Square(11.3, 7.9, 765.7).picture(photo, 96)
    assert np.abs(picture[2:-2, 2:-2].astype(int) - 127).max() <= 3
    nearest = np.asarray(photo.resize((96, 96), Image.Resampling.NEAREST, box=(11.3, 7.9, 777, 773.6)))
    assert nearest.std() > 100


def test_beyond_the_photo_is_black() -> None:
    picture = Square(-40, -40, 80).picture(Image.new("RGB", (40, 40), (200, 100, 50)), 32)
    assert picture.shape == (32, 32, 3)
    assert not picture[:14, :14].any()
    assert np.array_equal(picture[20:30, 20:30], np.broadcast_to(np.array([200, 100, 50]), (10, 10, 3)))


def test_headers_endings_and_folders_beside(tmp_path: Path) -> None:
    photos = made.draw_photos(4)
    plain = made.read(made.write_pts(tmp_path / "plain", photos))
    bare = made.read(made.write_pts(tmp_path / "bare", photos, header=False))
    upper = made.write_pts(tmp_path / "upper", photos)
    for file in list(upper.iterdir()):
        file.rename(file.with_suffix(file.suffix.upper()))
    beside = made.write_pts(tmp_path / "beside" / "annot", photos)
    (tmp_path / "beside" / "imgs").mkdir()
    for file in list(beside.glob("*.png")):
        file.rename(tmp_path / "beside" / "imgs" / file.name)
    for faces in (bare, made.read(upper), made.read(tmp_path / "beside")):
        assert faces.fingerprint == plain.fingerprint


def test_known_numbers_of_points_are_named_and_the_guess_is_said(tmp_path: Path) -> None:
    for count, (words, names) in KNOWN.items():
        photos = made.draw_photos(2, count)
        faces = made.read(made.write_coco(tmp_path / str(count), photos, made.coco_document(photos)))
        assert faces.scheme.names == names
        assert any(words in note for note in faces.notes)
        if words.endswith("(FreiHAND)"):
            assert faces.scheme.mirror is None
        else:
            assert faces.scheme.mirror == mirror_from_names(names)
        assert (faces.scheme.normaliser == BOX) == ("face" not in words)


PAIRS = {
    68: ((0, 16), (17, 26), (31, 35), (36, 45), (41, 46), (48, 54), (59, 55), (60, 64), (67, 65)),
    98: ((0, 32), (33, 46), (38, 50), (41, 47), (55, 59), (60, 72), (65, 75), (76, 82), (88, 92), (96, 97)),
    106: ((0, 32), (33, 46), (38, 50), (55, 65), (66, 79), (71, 82), (74, 83), (84, 90), (101, 103), (104, 105)),
    29: ((0, 1), (4, 6), (5, 7), (8, 9), (12, 14), (16, 17), (18, 19), (22, 23)),
    19: ((0, 5), (2, 3), (6, 11), (7, 10), (12, 14), (15, 17)),
    17: ((1, 2), (5, 6), (9, 10), (15, 16)),
    20: ((0, 1), (2, 3), (8, 9), (14, 15), (18, 19)),
}


@pytest.mark.parametrize("count", PAIRS)
def test_pairs_are_those_that_are_published(count: int) -> None:
    mirror = mirror_from_names(KNOWN[count][1])
    assert mirror is not None
    for one, other in PAIRS[count]:
        assert (mirror[one], mirror[other]) == (other, one)
        assert {side_of(KNOWN[count][1][place]) for place in (one, other)} == {"left", "right"}


def test_unknown_numbers_are_never_mirrored_unless_told(tmp_path: Path) -> None:
    folder = made.write_pts(tmp_path / "set", made.draw_photos(3, 7))
    faces = made.read(folder)
    assert faces.scheme.names == tuple(f"point_{number}" for number in range(1, 8))
    assert (faces.scheme.mirror, faces.scheme.normaliser) == (None, BOX)
    assert any("no picture is mirrored" in note for note in faces.notes)
    told = made.read(folder, mirror=(("point_1", "point_2"),), normaliser=("point_1", "point_2"))
    assert told.scheme.mirror == (1, 0, 2, 3, 4, 5, 6)
    named = made.read(folder, points=tuple("abcdefg"))
    assert named.scheme.names == tuple("abcdefg")
    few = made.read(folder, points=("point_3", "point_1"))
    assert np.array_equal(few.scheme.names, ["point_3", "point_1"])


def test_side_channels_and_margin_are_heeded(tmp_path: Path) -> None:
    photos = made.draw_photos(2)
    folder = made.write_pts(tmp_path / "set", photos)
    faces = made.read(folder, side_px=64, channels=3, margin=0.5)
    assert faces.images.shape == (2, 64, 64, 3)
    extent = faces.keypoints.max(axis=1) - faces.keypoints.min(axis=1)
    assert np.allclose(extent.max(axis=1), 32, atol=0.01)
    assert np.allclose((made.read(folder).keypoints.max(1) - made.read(folder).keypoints.min(1)).max(1), 64, atol=0.01)


def test_hidden_points_count_and_unlabelled_ones_do_not(tmp_path: Path) -> None:
    photos = made.draw_photos(3)
    document = made.coco_document(photos, ["a", "b", "c", "d", "e"])
    document["annotations"][0]["keypoints"][2] = 1
    document["annotations"][1]["keypoints"][3:6] = [0, 0, 0]
    faces = made.read(made.write_coco(tmp_path, photos, document))
    assert faces.scheme.names == ("a", "b", "c", "d", "e")
    assert np.isfinite(faces.keypoints[0]).all()
    assert np.isnan(faces.keypoints[1, 1]).all()
    assert np.isfinite(faces.keypoints[1, [0, 2, 3, 4]]).all()


def test_crowds_boxes_of_no_size_and_points_outside_are_counted(tmp_path: Path) -> None:
    photos = made.draw_photos(5)
    document = made.coco_document(photos)
    annotations = document["annotations"]
    annotations[0]["iscrowd"] = 1
    annotations[1]["bbox"][2] = 0
    del annotations[2]["keypoints"]
    x, y = photos[3].points[0]
    annotations[3]["bbox"] = [float(x) - 5, float(y) - 5, 10, 10]
    faces = made.read(made.write_coco(tmp_path, photos, document), points=("point_1",))
    said = "; ".join(faces.notes)
    assert faces.rows == 3
    assert "1 annotation of crowds left out" in said
    assert "1 annotation without keypoints left out" in said
    whole = made.read(tmp_path / "labels.json")
    assert "1 box of no size: cut around the points instead" in "; ".join(whole.notes)
    assert any(note.endswith("taken as not labelled") for note in whole.notes)
    inside = whole.keypoints[np.isfinite(whole.keypoints)]
    assert inside.min() >= -MARGIN_PX
    assert inside.max() <= 95 + MARGIN_PX


def test_faces_of_one_photo_stay_together(tmp_path: Path) -> None:
    names = ["a_1", "a_2", "b_1", "c", "d_1", "d_2", "d_3"]
    faces = made.read(made.write_pts(tmp_path / "set", made.draw_photos(7), names), "auto")
    assert faces.groups.tolist() == [0, 0, 1, 2, 3, 3, 3]
    assert not faces.people_known
    by_column = made.read(tmp_path / "set", "photo")
    assert (by_column.groups.tolist(), by_column.people_known) == ([0, 0, 1, 2, 3, 3, 3], True)
    photos = made.draw_photos(3)
    document = made.coco_document(photos)
    document["annotations"].append({**document["annotations"][0], "id": 7})
    faces = made.read(made.write_coco(tmp_path / "coco", photos, document), "auto")
    assert faces.groups.tolist() == [0, 0, 1, 2]


def test_a_numbering_is_no_photo_of_many_faces() -> None:
    numbered = [f"image_{number}.pts" for number in range(1, 8)]
    assert photo_names(numbered) == [name[:-4] for name in numbered]
    assert photo_names(["image_0028.pts", "image_0029.pts", "x_1.pts", "x_2.pts"]) == [
        "image_0028",
        "image_0029",
        "x",
        "x",
    ]
    many = [f"p_{number}.pts" for number in range(1, 30)]
    assert len(set(photo_names([*many, "q_1.pts"]))) == 30


def test_one_picture_may_serve_several_files(tmp_path: Path) -> None:
    photo = made.draw_photo(0)
    folder = made.write_pts(tmp_path / "set", [photo, photo], ["a_1", "a_2"])
    (folder / "a_1.png").rename(folder / "a.png")
    (folder / "a_2.png").unlink()
    faces = made.read(folder, "auto")
    assert (faces.rows, faces.group_count) == (2, 1)


@pytest.mark.parametrize(
    ("name", "mirrored", "side"),
    [
        ("leftear", "rightear", "left"), ("L_Eye", "R_Eye", "left"), ("REye", "LEye", "right"), ("Lip", "Lip", None),
        ("earRight", "earLeft", "right"), ("LEFT_EYE", "RIGHT_EYE", "left"), ("lower_lip", "lower_lip", None),
        ("L_F_Elbow", "R_F_Elbow", "left"), ("RightHand", "LeftHand", "right"),
        ("mouth_left_corner", "mouth_right_corner", "left"),
    ],
)  # fmt: skip
def test_sides_in_other_peoples_names(name: str, mirrored: str, side: str | None) -> None:
    from bench.scheme import mirrored_name

    assert (mirrored_name(name), side_of(name)) == (mirrored, side)
    assert mirrored_name(mirrored) == name
