"""Other points, frames and channels come back from a file as they were written; what contradicts is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bench.config.data import Channels, DataSettings
from bench.config.loading import load_config
from bench.errors import BenchError, ConfigError, DataError
from bench.faces.arrays import faces_of_arrays
from bench.faces.cache import digest_of
from bench.faces.checks import inspect
from bench.faces.contact_sheet import write_contact_sheet
from bench.faces.csv_reading import read_pictures
from bench.faces.csv_writing import write_faces
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.loading import load_faces
from bench.gates import GATES, predict_gate
from bench.scheme import BOX, SEED_SCHEME, Scheme, mirrored_name, scheme_of_names
from tests.conftest import RunBench, draw_rows, write_faces_csv

MOUSE = scheme_of_names(("snout", "left_ear", "right_ear", "tail_base"), side_px=32, channels=3)
NAMES = st.lists(st.from_regex(r"(left_|right_)?[a-z]{1,6}", fullmatch=True), min_size=1, max_size=70, unique=True)


def written(path: Path, scheme: Scheme, rows: int = 6) -> FaceSet:
    images, keypoints = draw_rows(rows, 1, scheme)
    faces = faces_of_arrays(images, keypoints, range(rows), scheme, path.name)
    write_faces(faces, path)
    return faces


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=NAMES,
    side_px=st.integers(16, 64),
    channels=st.sampled_from([1, 3]),
    rows=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_scheme_is_read_as_it_was_written(
    tmp_path: Path, names: list[str], side_px: int, channels: Channels, rows: int, seed: int
) -> None:
    scheme = scheme_of_names(tuple(names), side_px, channels)
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (rows, *scheme.picture_shape), dtype=np.uint8)
    keypoints = generator.uniform(-1, side_px, (rows, scheme.keypoints, 2)).astype(np.float32)
    keypoints[1:][generator.random((rows - 1, scheme.keypoints)) < 0.3] = np.nan
    faces = faces_of_arrays(images, keypoints, None, scheme, "faces.csv")
    path = tmp_path / f"{seed}" / "faces.csv"
    write_faces(faces, path)
    for settings_ in (DataSettings(), DataSettings.of(scheme)):
        read = load_faces(FaceSource(path, "none", settings_))
        assert read.scheme == scheme
        assert np.array_equal(read.images, images)
        assert np.array_equal(read.keypoints, keypoints, equal_nan=True)
        assert read.fingerprint == faces.fingerprint
    assert np.array_equal(read_pictures(path, scheme)[0], images)


@settings(deadline=None, max_examples=200)
@given(names=NAMES)
def test_a_mirror_of_names_is_its_own_inverse(names: list[str]) -> None:
    scheme = scheme_of_names(tuple(names))
    if scheme.mirror is not None:
        assert [names[place] for place in scheme.mirror] == [mirrored_name(name) for name in names]
    assert DataSettings.of(scheme).scheme(scheme.names, 96, 1) == scheme


def test_the_fifteen_names_in_any_order_are_the_default_scheme(tmp_path: Path) -> None:
    plain = write_faces_csv(tmp_path / "faces.csv", rows=3)
    table = [line.split(",") for line in plain.read_text().splitlines()]
    other = tmp_path / "other.csv"
    other.write_text("\n".join(",".join([*fields[29::-1], fields[30]]) for fields in table))
    faces = load_faces(FaceSource(other, "none"))
    assert faces.scheme == SEED_SCHEME
    assert faces.fingerprint == load_faces(FaceSource(plain, "none")).fingerprint


def test_the_default_fifteen_have_other_frames_too(tmp_path: Path) -> None:
    scheme = SEED_SCHEME.model_copy(update={"side_px": 64, "channels": 3})
    written(tmp_path / "faces.csv", scheme)
    assert load_faces(FaceSource(tmp_path / "faces.csv", "none")).scheme == scheme


def test_other_points_are_told_where_names_are_shared(tmp_path: Path) -> None:
    scheme = scheme_of_names(("left_eye_center", "right_eye_center", "chin"))
    path = tmp_path / "faces.csv"
    written(path, scheme)
    with pytest.raises(DataError, match=r"unknown keypoint column 'chin_x'; .*--set data\.points=header"):
        load_faces(FaceSource(path))
    assert load_faces(FaceSource(path, "none", DataSettings(points="header"))).scheme == scheme
    few = load_faces(FaceSource(path, "none", DataSettings(points=("chin", "left_eye_center"))))
    assert few.scheme.names == ("chin", "left_eye_center")
    assert few.scheme.normaliser == BOX


def test_settings_tell_mirror_and_normaliser(tmp_path: Path) -> None:
    path = tmp_path / "mice.csv"
    written(path, MOUSE)
    assert load_faces(FaceSource(path, "none")).scheme == MOUSE
    told = load_config(
        assignments=[
            "data.mirror=[['snout', 'tail_base']]",
            "data.normaliser=['snout', ['left_ear', 'right_ear']]",
            "data.side_px=32",
        ]
    ).data
    scheme = load_faces(FaceSource(path, "none", told)).scheme
    assert scheme.mirror == (3, 1, 2, 0)
    assert scheme.normaliser == (("snout",), ("left_ear", "right_ear"))
    assert load_faces(FaceSource(path, "none", DataSettings(mirror=False))).scheme.mirror is None
    assert load_faces(FaceSource(path, "none", DataSettings(mirror=()))).scheme.mirror == (0, 1, 2, 3)
    assert load_faces(FaceSource(path, "none", DataSettings(normaliser="box"))).scheme.normaliser == BOX


def test_a_fingerprint_tells_names_and_frames_apart_but_not_the_defaults() -> None:
    images, points = np.zeros((2, 48, 48, 3), np.uint8), np.zeros((2, 2, 2), np.float32)
    schemes = [scheme_of_names(("a", "b"), 48, 3), scheme_of_names(("b", "a"), 48, 3)]
    schemes.append(scheme_of_names(("a", "b"), 48))
    digests = {digest_of(images, points, scheme) for scheme in schemes}
    assert len(digests) == 3
    mirrored = Scheme(names=("a", "b"), mirror=(1, 0), normaliser=(("a",), ("b",)), side_px=48, channels=3)
    assert digest_of(images, points, mirrored) in digests


REFUSALS: dict[str, tuple[dict[str, Any], Callable[[str], str], str]] = {
    "a point that is not there": ({"points": ("snout", "paw")}, str, r"no column 'paw_x' and 1 more; expected 4"),
    "one coordinate": ({}, lambda text: text.replace("snout_y", "snout"), "no column 'snout_y'; expected 8"),
    "a point twice": ({"points": ("snout", "snout")}, str, "data.points names 'snout' twice"),
    "mirror of no point": ({"mirror": (("snout", "paw"),)}, str, "data.mirror names 'paw', which is no point"),
    "mirror twice": ({"mirror": (("snout", "snout"),)}, str, "data.mirror names 'snout' twice"),
    "normaliser of no point": ({"normaliser": ("paw", "snout")}, str, "data.normaliser names 'paw', which is no point"),
    "another side": ({"side_px": 48}, str, r"row 1, column Image: 3,072 numbers are a picture of 32x32 in colour, "
                     r"but data.side_px is 48; say data.side_px=32"),
    "other channels": ({"channels": 1}, str, "but data.channels is 1; say data.channels=3"),
    "another frame": ({"side_px": 48, "channels": 1}, str, r"column Image: 3,072 pixels, expected 2,304 \(48x48\)"),
    "no square": ({}, lambda text: text[:-3], r"row 6, column Image: 3,071 pixels, expected 3,072 \(3x32x32\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(tmp_path: Path, name: str) -> None:
    told, change, message = REFUSALS[name]
    path = tmp_path / "mice.csv"
    images, keypoints = draw_rows(6, 1, MOUSE)
    images[-1, -1, -1, -1] = 100
    write_faces(faces_of_arrays(images, keypoints, None, MOUSE), path)
    path.write_text(change(path.read_text().rstrip("\n")))
    with pytest.raises(BenchError, match=message) as refusal:
        load_faces(FaceSource(path, "none", DataSettings(**told)))
    assert "\n" not in str(refusal.value)


def test_a_first_picture_that_is_no_square(tmp_path: Path) -> None:
    path = tmp_path / "faces.csv"
    path.write_text("a_x,a_y,Image\n1,2,3 4 5\n")
    with pytest.raises(DataError, match=r"row 1, column Image: 3 pixels, expected side x side \(grey\)"):
        load_faces(FaceSource(path))


def test_labels_may_lie_within_a_pixel_of_the_frame(tmp_path: Path) -> None:
    path = tmp_path / "faces.csv"
    picture = " ".join(["7"] * 32 * 32)
    path.write_text(f"a_x,a_y,Image\n32,-1,{picture}\n")
    assert load_faces(FaceSource(path)).keypoints.tolist() == [[[32, -1]]]
    path.write_text(f"a_x,a_y,Image\n32.5,-1,{picture}\n")
    with pytest.raises(DataError, match=r"row 1, column a_x: 32.5 lies outside the frame of 0 to 31 pixels"):
        load_faces(FaceSource(path))


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("data.side_px=8", "data.side_px is 8, "),
        ("data.channels=2", "data.channels is 2, "),
        ("data.points=[]", r"data.points is \[\], "),
        ("data.mirror=true", "data.mirror is True, "),
        ("data.normaliser=eyes", "data.normaliser is 'eyes', "),
        ("data.sides=3", r"unknown key 'data.sides'; did you mean side_px"),
    ],
)
def test_wrong_settings_are_refused_by_their_key(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refusal:
        load_config(assignments=[assignment])
    assert "\n" not in str(refusal.value)


def test_settings_are_small_and_hashable() -> None:
    told = DataSettings(points=("a", "b"), mirror=(("a", "b"),), normaliser=("a", ("b",)))
    assert hash(FaceSource(None, settings=told)) == hash(FaceSource(None, settings=told.model_copy()))
    with pytest.raises(ValidationError):
        told.side_px = 3  # type: ignore[misc]


@pytest.mark.parametrize("scheme", [MOUSE, scheme_of_names(tuple(f"p{n}" for n in range(68)), side_px=50)])
@pytest.mark.parametrize("name", GATES)
def test_gates_predict_any_scheme(name: str, scheme: Scheme) -> None:
    images, keypoints = draw_rows(80, 0, scheme)
    keypoints[:, 1] = np.nan
    predicted = predict_gate(name, images[:60], keypoints[:60], images[60:])
    assert predicted.shape == (20, scheme.keypoints, 2)
    assert (predicted[:, 1] == (scheme.side_px - 1) / 2).all()
    others = np.arange(scheme.keypoints) != 1
    error = np.sqrt(((predicted - keypoints[60:])[:, others] ** 2).mean())
    spread = np.sqrt(((keypoints - keypoints.mean(axis=0))[:, others] ** 2).mean())
    assert error < (1.15 if name == "mean_face" else 1.0) * spread


def test_doubts_and_the_sheet_know_colour(tmp_path: Path) -> None:
    images, keypoints = draw_rows(20, 0, MOUSE)
    images[3] = (200, 10, 30)
    images[7] = images[2]
    faces = faces_of_arrays(images, keypoints, None, MOUSE)
    doubts = {doubt.kind: doubt for doubt in inspect(faces)}
    assert doubts["constant pictures"].message == "constant pictures: 1 row of one colour all over (row 4)"
    assert doubts["exact duplicates"].row_index.tolist() == [7]
    assert "left and right swapped" not in doubts
    write_contact_sheet(faces, [0, 3], tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_near_duplicates_are_found_at_any_side_and_in_colour(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (150, *MOUSE.picture_shape), dtype=np.uint8)
    images[149] = np.clip(images[0].astype(int) + generator.integers(-3, 4, images[0].shape), 0, 255)
    faces = faces_of_arrays(images, draw_rows(150, 0, MOUSE)[1], None, MOUSE)
    write_faces(faces, tmp_path / "mice.csv")
    groups = load_faces(FaceSource(tmp_path / "mice.csv")).groups
    assert groups[149] == groups[0]
    assert len(np.unique(groups)) == 149


def test_the_check_describes_another_scheme(run_bench: RunBench, tmp_path: Path) -> None:
    written(tmp_path / "mice.csv", MOUSE)
    done = run_bench("data", "check", "mice.csv", check=True)
    assert (
        "4 points, 32x32 in colour, 1 pair of left and right, NME over the diagonal of the points' box" in done.stdout
    )
    done = run_bench("data", "check", "mice.csv", "--set", "data.mirror=false", check=True)
    assert "never mirrored" in done.stdout
    done = run_bench("data", "check", "mice.csv", "--set", "data.side_px=48")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
