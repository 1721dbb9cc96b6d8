"""Photos and annotations that are odd, broken or hostile: read rightly, or refused in one line that names them."""

import json
import os
import struct
import sys
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.config.data import DataSettings
from bench.errors import BenchError
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.loading import load_faces
from bench.faces.picture_files import open_picture
from tests.faces.photos import (
    Drawn,
    coco_document,
    draw_photo,
    draw_photos,
    pts_text,
    write_coco,
    write_deeplabcut,
    write_pts,
)


def read(path: Path, **told: Any) -> FaceSet:
    return load_faces(FaceSource(path, "none", DataSettings(**told)))


def refusal(path: Path, **told: Any) -> str:
    with pytest.raises(BenchError) as refused:
        read(path, **told)
    text = str(refused.value)
    assert "\n" not in text
    assert ";" in text or "," in text  # what to do
    return text


def as_stored(folder: Path, change: Callable[[Image.Image], Image.Image], **how: Any) -> FaceSet:
    """One face whose picture is stored in another way."""
    write_pts(folder, [draw_photo(0)], ["a"])
    change(Image.open(folder / "a.png").copy()).save(folder / "a.png", **how)
    return read(folder)


def transparent(image: Image.Image) -> Image.Image:
    """The right half is seen through, though it holds a colour."""
    colours = image.convert("RGBA")
    alpha = np.where(np.arange(image.width) < image.width // 2, 255, 0).astype(np.uint8)
    colours.putalpha(Image.fromarray(np.tile(alpha, (image.height, 1))))
    return colours


def test_depths_palettes_and_inks_show_the_same_face(tmp_path: Path) -> None:
    plain = as_stored(tmp_path / "plain", lambda image: image).images
    sixteen = as_stored(
        tmp_path / "sixteen", lambda image: Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    ).images
    assert np.array_equal(sixteen, plain)
    palette = as_stored(tmp_path / "palette", lambda image: image.convert("P")).images
    assert np.abs(palette.astype(int) - plain).max() <= 1
    opaque = as_stored(tmp_path / "alpha", lambda image: image.convert("RGBA")).images
    assert np.array_equal(opaque, plain)
    write_pts(tmp_path / "cmyk", [draw_photo(0)], ["a"])
    Image.open(tmp_path / "cmyk" / "a.png").convert("CMYK").save(tmp_path / "cmyk" / "a.jpg", quality=95)
    (tmp_path / "cmyk" / "a.png").unlink()
    inks = read(tmp_path / "cmyk").images
    assert np.abs(inks.astype(int) - plain).mean() < 3


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    picture = as_stored(tmp_path / "set", transparent).images[0]
    assert picture[:, :20].min() > 0
    assert not picture[:, -20:].any()


def turned(folder: Path, orientation: int, told: tuple[int, int] | None) -> Path:
    """A COCO set whose picture is stored on its side, with EXIF to turn it; ``told`` is the size in the JSON."""
    photo = draw_photo(0)
    path = write_coco(folder, [photo], coco_document([photo]))
    upright = Image.open(folder / "photo000.png").copy()
    exif = Image.Exif()
    exif[0x0112] = orientation
    back = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270, 3: Image.Transpose.ROTATE_180}
    upright.transpose(back[orientation]).save(folder / "photo000.png", exif=exif)
    document = json.loads(path.read_text())
    if told is None:
        del document["images"][0]["width"], document["images"][0]["height"]
    else:
        document["images"][0].update(width=told[0], height=told[1])
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("orientation", [6, 8])
def test_a_turned_photo_is_turned_where_the_labels_are_for_the_turned_one(tmp_path: Path, orientation: int) -> None:
    photo = draw_photo(0)
    upright = read(write_coco(tmp_path / "upright", [photo], coco_document([photo])))
    assert read(turned(tmp_path / "turned", orientation, (200, 160))).fingerprint == upright.fingerprint
    stored = read(turned(tmp_path / "stored", orientation, (160, 200)))
    assert stored.fingerprint != upright.fingerprint


def test_a_turned_photo_without_a_sign_is_refused(tmp_path: Path) -> None:
    assert "EXIF" in refusal(turned(tmp_path / "a", 6, None))
    assert "EXIF" in refusal(turned(tmp_path / "b", 3, (200, 160)))


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size, and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (50_000, 20), (9_000, 9_000)])
def test_huge_pictures_are_refused_before_they_are_decoded(tmp_path: Path, width: int, height: int) -> None:
    folder = write_pts(tmp_path / "set", draw_photos(2), ["a", "b"])
    (folder / "b.png").write_bytes(png_of(width, height))
    assert "picture 'b.png' " in refusal(folder)
    assert "shrink it" in refusal(folder)


def put(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


def link(name: str, target: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return make


def text(name: str, content: str) -> Callable[[Path], None]:
    return put(name, content.encode())


FIVE = draw_photo(0).points
PTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no picture": (lambda folder: (folder / "b.png").unlink(), "b.pts: no picture b.jpg, .png or the like beside it"),
    "two pictures": (put("b.jpg", b""), "b.pts: 2 pictures, b.jpg and b.png"),
    "other cases": (text("b.PTS", pts_text(FIVE)), "b: 2 files end in .pts, in other cases; keep one"),
    "another number": (text("b.pts", pts_text(FIVE[:4])), "b.pts: 4 points, but 5 in the first file"),
    "n_points": (text("b.pts", pts_text(FIVE).replace(" 5", " 6")), "b.pts: 5 points, but n_points says 6"),
    "no brace": (text("b.pts", pts_text(FIVE)[:-3]), "b.pts: the brace is not closed"),
    "a word": (text("b.pts", pts_text(FIVE).replace("}", "x y\n}")), "b.pts: line 9 is 'x y', expected two numbers"),
    "three numbers": (text("b.pts", "1 2 3\n" * 5), "b.pts: line 1 is '1 2 3'"),
    "not finite": (text("b.pts", "nan nan\n" * 5), "b.pts: line 1 is 'nan nan'"),
    "empty": (text("b.pts", ""), "b.pts: holds no points"),
    "bytes": (put("b.pts", b"\xff\xfe1 2"), "b.pts: is no text"),
    "far out": (text("b.pts", "1 2\n3 4\n5 6\n7 8\n9 1e9\n"), "b.pts: point point_5 at 8, 999999999 lies far outside"),
    "no picture in it": (put("b.png", b"no picture"), "b.pts: 'b.png' is no picture"),
    "half a picture": (lambda at: put("b.png", (at / "b.png").read_bytes()[:900])(at), "'b.png' is damaged"),
    "a link out": (link("b.png", "../outside.png"), "b.pts: picture 'b.png' leads out of set; put the file"),
    "a link to nothing": (link("b.png", "nothing.png"), "b.pts: no picture 'b.png' there"),
    "a link in a circle": (link("b.png", "b.png"), "picture 'b.png'"),
    "a folder": (lambda folder: ((folder / "b.png").unlink(), (folder / "b.png").mkdir()), "no picture b.jpg"),
}  # fmt: skip


@pytest.mark.parametrize("name", PTS)
def test_pts_folders(tmp_path: Path, name: str) -> None:
    change, message = PTS[name]
    folder = write_pts(tmp_path / "set", draw_photos(3), ["a", "b", "c"])
    Image.new("L", (200, 160), 90).save(tmp_path / "outside.png")
    change(folder)
    assert message in refusal(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_a_picture_that_never_ends_is_not_opened(tmp_path: Path) -> None:
    folder = write_pts(tmp_path / "set", draw_photos(2), ["a", "b"])
    (folder / "b.png").unlink()
    os.mkfifo(folder / "b.png")
    assert "picture 'b.png' is a folder or a device" in refusal(folder)


Change = Callable[[dict[str, Any]], Any]
COCO: dict[str, tuple[Change, str]] = {
    "out by dots": (lambda d: d["images"][1].update(file_name="../photo001.png"), "leads out of the folder"),
    "absolute": (lambda d: d["images"][1].update(file_name="/etc/passwd.png"), "leads out of the folder"),
    "backslashes": (lambda d: d["images"][1].update(file_name="..\\x.png"), "expected a path with slashes"),
    "not there": (lambda d: d["images"][1].update(file_name="x.png"), "annotation 101: no picture 'x.png' there"),
    "a line end": (lambda d: d["images"][1].update(file_name="x\ny.png"), "'x y.png' holds odd characters"),
    "NUL": (lambda d: d["images"][1].update(file_name="x\0y.png"), "holds odd characters"),
    "half a character": (lambda d: d["images"][1].update(file_name="\ud800.png"), "holds odd characters"),
    "id twice": (lambda d: d["images"][1].update(id=0), "its id 0 stands twice"),
    "no id": (lambda d: d["images"][1].pop("id"), "picture number 2: its id is None"),
    "another size": (lambda d: d["images"][1].update(width=300), "is 200 x 160 px, its labels are for 300 x 160"),
    "no size": (lambda d: d["images"][1].update(width=-1), "-1 x 160 is no size of a picture"),
    "unknown picture": (lambda d: d["annotations"][1].update(image_id=9), "annotation 101: image_id is 9"),
    "unknown category": (lambda d: d["annotations"][1].update(category_id=9), "category_id is 9"),
    "two numbers a point": (lambda d: d["annotations"][1]["keypoints"].pop(), "keypoints holds 14 numbers"),
    "fewer points": (lambda d: d["annotations"][1].update(keypoints=[1, 2, 2]), "1 points, but its category names 5"),
    "text": (lambda d: d["annotations"][1]["keypoints"].__setitem__(0, "1"), "keypoints holds 1, expected pixels"),
    "huge": (lambda d: d["annotations"][1]["keypoints"].__setitem__(0, 10**400), "keypoints holds 1000000"),
    "visibility": (lambda d: d["annotations"][1]["keypoints"].__setitem__(2, 7), "point 1 has visibility 7"),
    "box of three": (lambda d: d["annotations"][1]["bbox"].pop(), "bbox holds 3 numbers"),
    "box inside out": (lambda d: d["annotations"][1]["bbox"].__setitem__(2, -5), "bbox has a side of -5 px"),
    "box far off": (lambda d: d["annotations"][1].update(bbox=[5000, 0, 9, 9]), "does not fit its picture of 200"),
    "box of a street": (lambda d: d["annotations"][1].update(bbox=[0, 0, 9e5, 9]), "does not fit its picture"),
    "empty name": (lambda d: d["categories"][0].update(keypoints=["a", "", "c", "d", "e"]), "name of point 2 is ''"),
    "a name twice": (lambda d: d["categories"][0].update(keypoints=list("abcda")), "two points are called 'a'"),
    "odd name": (lambda d: d["categories"][0].update(keypoints=["a", "b\n", "c\x1b[2J", "d", "e"]), "name of point 3"),
    "names of another number": (lambda d: d["categories"][0].update(keypoints=["a"]), "5 points, but its category"),
    "names no list": (lambda d: d["categories"][0].update(keypoints="abcde"), "its keypoints are no list of names"),
    "no annotations": (lambda d: d.update(annotations=[]), "no annotation with keypoints"),
    "crowds alone": (lambda d: [one.update(iscrowd=1) for one in d["annotations"]], "no annotation with keypoints"),
    "no list": (lambda d: d.update(images={}), "'images' is missing or no list of objects"),
    "no categories": (lambda d: d.pop("categories"), "'categories' is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", COCO)
def test_coco_files(tmp_path: Path, name: str) -> None:
    change, message = COCO[name]
    photos = draw_photos(3)
    document = coco_document(photos, list("abcde"))
    change(document)
    path = write_coco(tmp_path / "set", photos, document)
    found = refusal(path)
    assert message in found
    assert "labels.json" in found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no sound JSON"), (b"{", "no sound JSON"), (b"[1]", "holds a list, expected images"),
        (b'{"images": NaN}', "NaN is no number of JSON"),
        (b"[" * 100_000, "no sound JSON"), (b"\xff\xfe{", "no sound JSON"),
        (b'{"images": ' + b"9" * 5_000 + b"}", "no sound JSON"),
    ],
)  # fmt: skip
def test_json_that_is_none(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "labels.json"
    path.write_bytes(content)
    assert message in refusal(path)


def test_two_kinds_of_objects_in_one_file(tmp_path: Path) -> None:
    photos = draw_photos(2)
    document = coco_document(photos, list("abcde"))
    document["categories"].append({"id": 2, "keypoints": list("vwxyz")})
    document["annotations"][1]["category_id"] = 2
    assert "take one kind of object at a time" in refusal(write_coco(tmp_path, photos, document))


def csv_change(change: Callable[[list[list[str]]], Any]) -> Callable[[Path], None]:
    def make(project: Path) -> None:
        path = project / "labeled-data" / "video1" / "CollectedData_ann.csv"
        table = [line.split(",") for line in path.read_text().splitlines()]
        change(table)
        path.write_text("\n".join(",".join(line) for line in table) + "\n")

    return make


DEEPLABCUT: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no such frame": (csv_change(lambda t: t[4].__setitem__(0, "labeled-data/video1/x.png")), "no picture 'x.png'"),
    "out by dots": (csv_change(lambda t: t[4].__setitem__(0, "labeled-data/video1/..")), "row 2: '"),
    "no picture": (csv_change(lambda t: t[4].__setitem__(0, "config.yaml")), "'config.yaml' is no picture's"),
    "twice": (csv_change(lambda t: t[4].__setitem__(0, t[3][0])), "row 2: frame 'img000.png' stands twice"),
    "half a label": (csv_change(lambda t: t[4].__setitem__(1, "")), "row 2: a has only one of its two coordinates"),
    "a word": (csv_change(lambda t: t[4].__setitem__(1, "left")), "row 2: a is 'left', expected pixels"),
    "infinite": (csv_change(lambda t: t[4].__setitem__(1, "1e999")), "row 2: a is '1e999', expected pixels"),
    "ragged": (csv_change(lambda t: t[4].pop()), "row 2 has 4 fields, expected 5"),
    "no coordinates": (csv_change(lambda t: t.pop(2)), "no header row 'coords'"),
    "y before x": (csv_change(lambda t: t[2].reverse()), "CollectedData_ann.csv: "),
    "a part twice": (csv_change(lambda t: t.__setitem__(1, ["bodyparts", *"aaaa"])), "a bodypart stands twice"),
    "no frames": (csv_change(lambda t: t.__delitem__(slice(3, None))), "no face with a label"),
    "two scorers": (lambda p: (p / "config.yaml").unlink() or _other_scorer(p), "2 files of labels in video1"),
    "yaml of python": (lambda p: (p / "config.yaml").write_text("!!python/object/apply:os.system ['true']"),
                       "config.yaml: no sound YAML"),
    "yaml list": (lambda p: (p / "config.yaml").write_text("- a"), "config.yaml: holds no names and values"),
    "yaml depth": (lambda p: (p / "config.yaml").write_text("[" * 5000), "config.yaml: no sound YAML"),
}  # fmt: skip


def _other_scorer(project: Path) -> None:
    frames = project / "labeled-data" / "video1"
    (frames / "CollectedData_bob.csv").write_text((frames / "CollectedData_ann.csv").read_text())


@pytest.mark.parametrize("name", DEEPLABCUT)
def test_deeplabcut_projects(tmp_path: Path, name: str) -> None:
    change, message = DEEPLABCUT[name]
    project = write_deeplabcut(tmp_path / "mice", draw_photos(3, 2), ("a", "b"))
    change(project)
    assert message in refusal(project)


def test_the_scorer_of_the_project_is_taken(tmp_path: Path) -> None:
    project = write_deeplabcut(tmp_path / "mice", draw_photos(3, 2), ("a", "b"))
    before = read(project).fingerprint
    _other_scorer(project)
    assert read(project).fingerprint == before


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_the_pickled_table_is_never_opened(tmp_path: Path) -> None:
    """To open this one is to wait for ever."""
    project = write_deeplabcut(tmp_path / "mice", draw_photos(2, 2), ("a", "b"))
    os.mkfifo(project / "labeled-data" / "video1" / "CollectedData_ann.h5")
    assert read(project).rows == 2


def test_settings_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    folder = write_pts(tmp_path / "set", draw_photos(2))
    assert "--images: means nothing for set" in refusal(folder, images=tmp_path)
    assert "data.crop is box, but set holds no boxes" in refusal(folder, crop="box")
    assert "data.points names 'chin', which is no point of set" in refusal(folder, points=("chin",))
    document = coco_document(draw_photos(2))
    path = write_coco(tmp_path / "coco", draw_photos(2), document)
    assert "no such folder" in refusal(path, images=tmp_path / "nowhere")


def test_a_face_of_one_point_has_no_box(tmp_path: Path) -> None:
    photo = Drawn(draw_photo(0).picture, np.array([[100.0, 80.0]]))
    folder = write_pts(tmp_path / "set", [photo])
    assert "whose labels have no extent to cut a box by" in refusal(folder)
    assert read(folder, crop="frame").rows == 1


def test_one_photo_is_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_pts(tmp_path / "set", draw_photos(8))
    opened: list[weakref.ref[Image.Image]] = []
    alive: list[int] = []

    def watched(*given: Any) -> Image.Image:
        alive.append(sum(photo() is not None for photo in opened))
        photo = open_picture(*given)
        opened.append(weakref.ref(photo))
        return photo

    monkeypatch.setattr("bench.faces.photo_rows.open_picture", watched)
    assert read(folder).rows == 8
    assert alive == [0] * 8
