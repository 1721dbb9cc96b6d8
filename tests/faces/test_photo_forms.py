"""DeepLabCut projects, changed pictures, conversion and description of every form."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import RunBench
from tests.faces import photos as made


def test_deeplabcut_by_project_folder_and_video(tmp_path: Path) -> None:
    photos = made.draw_photos(4, 4)
    photos[1].points[2] = np.nan
    project = made.write_deeplabcut(tmp_path / "mice", photos, made.PARTS)
    (project / "labeled-data" / "video1" / "CollectedData_ann.h5").write_bytes(b"\x89HDF never opened")
    faces = made.read(project)
    assert faces.scheme.names == made.PARTS
    assert faces.scheme.mirror == (0, 2, 1, 3)
    assert np.isnan(faces.keypoints[1, 2]).all()
    scale = 96 / 200  # the frame, 200 x 160, in a square of 200
    assert np.allclose(faces.keypoints[0], (photos[0].points + np.array([0.5, 20.5])) * scale - 0.5, atol=1e-3)
    for path in (project / "labeled-data", project / "labeled-data" / "video1"):
        assert made.read(path).fingerprint == faces.fingerprint
    csv = project / "labeled-data" / "video1" / "CollectedData_ann.csv"
    lines = csv.read_text().splitlines()
    three = [
        "labeled-data,video1," + line.rpartition("/")[2] if "/" in line else line.replace(",", ",,,", 1)
        for line in lines
    ]
    csv.write_text("\n".join(three) + "\n")
    assert made.read(project).fingerprint == faces.fingerprint


def test_several_animals_of_a_frame_are_rows_of_one_photo(tmp_path: Path) -> None:
    project = made.write_deeplabcut(tmp_path / "mice", made.draw_photos(2, 4), ("a", "b", "a", "b"))
    csv = project / "labeled-data" / "video1" / "CollectedData_ann.csv"
    lines = csv.read_text().splitlines()
    csv.write_text("\n".join([lines[0], "individuals,m,m,m,m,n,n,n,n", *lines[1:]]) + "\n")
    faces = made.read(project, "auto")
    assert (faces.rows, faces.scheme.names) == (4, ("a", "b"))
    assert faces.groups.tolist() == [0, 0, 1, 1]


def test_a_changed_picture_is_read_anew_in_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    photos, parts = made.draw_photos(3, 4), made.PARTS
    elsewhere = made.write_coco(tmp_path / "labels", photos, made.coco_document(photos, parts))
    (tmp_path / "pictures").mkdir()
    for file in list(elsewhere.parent.glob("*.png")):
        file.rename(tmp_path / "pictures" / file.name)
    forms = {
        made.write_pts(tmp_path / "pts", photos): (tmp_path / "pts" / "face001.png", {}),
        elsewhere: (tmp_path / "pictures" / "photo001.png", {"images": tmp_path / "pictures"}),
        made.write_deeplabcut(tmp_path / "dlc", photos, parts): (tmp_path / "dlc/labeled-data/video1/img001.png", {}),
    }
    for path, (picture, told) in forms.items():
        before = made.read(path, **told)
        assert made.read(path, **told).fingerprint == before.fingerprint
        facts = picture.stat()
        other = Image.fromarray(255 - np.asarray(Image.open(picture)))
        other.save(picture)
        os.utime(picture, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        assert made.read(path, **told).fingerprint != before.fingerprint


@pytest.mark.parametrize("form", ["pts", "coco", "deeplabcut"])
def test_a_converted_set_is_the_same_set(tmp_path: Path, run_bench: RunBench, form: str) -> None:
    count = 68 if form == "pts" else 4
    photos = made.draw_photos(4, count)
    photos[2].points[1] = photos[2].points[0] if form == "pts" else np.nan
    names = ["x,1_1", "x,1_2", 'q"_1', "=z"]
    if form == "pts":
        path = made.write_pts(tmp_path / "set", photos, names)
    elif form == "coco":
        document = json.loads(json.dumps(made.coco_document(photos[:2], ["nose_tip", "a", "b", "c"])))
        path = made.write_coco(tmp_path / "set", photos[:2], document)
    else:
        path = made.write_deeplabcut(tmp_path / "set", photos, made.PARTS)
    done = run_bench("data", "convert", str(path), "out.csv", check=True)
    told = {"points": "header"} if '--set "data.points=header"' in done.stdout else {}
    assert bool(told) == (form == "coco")
    faces, copied = made.read(path), made.read(tmp_path / "out.csv", **told)
    assert copied.fingerprint == faces.fingerprint
    assert copied.scheme == faces.scheme
    assert np.array_equal(made.read(tmp_path / "out.csv", "photo", **told).groups, made.read(path, "photo").groups)


def test_the_check_describes_a_folder_and_draws_its_sheet(tmp_path: Path, run_bench: RunBench) -> None:
    made.write_pts(tmp_path / "set", made.draw_photos(6, 68))
    done = run_bench("data", "check", "set", "--sheet", "sheet.png", check=True)
    assert "set: 6 rows" in done.stdout
    assert "29 pairs of left and right, NME over the distance of left eye outer corner" in done.stdout
    assert "guessed from their number: 68 points of a face" in done.stdout
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    document = made.coco_document(made.draw_photos(3))
    made.write_coco(tmp_path / "pictures", made.draw_photos(3), document).rename(tmp_path / "labels.json")
    done = run_bench("data", "check", "labels.json", "--images", "pictures", "--json", check=True)
    assert json.loads(done.stdout)["rows"] == 3
