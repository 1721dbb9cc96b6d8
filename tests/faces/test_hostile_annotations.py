"""Annotations of COCO and DeepLabCut that are odd, broken or hostile: refused in one line that names them."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faces.photos import coco_document, draw_photos, read, refusal, write_coco, write_deeplabcut

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
