"""Mutated folders of photos: what :mod:`benchmarks.fuzz_reading` does to a CSV, for the other forms of ``--data``.

A set of three small photos is drawn and written as ``.pts``, COCO or DeepLabCut; then one to three things in it change:
bytes and tokens of annotations and pictures, files that go, double, change their names or become links. What bench
accepts must be what a plain reader, which knows nothing of bench, reads: photos are read whole and at their own size,
so that nothing is resampled.
"""

import csv
import json
import os
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.config.data import DataSettings
from bench.faces.face_set import FaceSet, FaceSource

SIDE_PX = 24
PHOTOS, POINTS = 3, 4
WHOLE = DataSettings(crop="frame", side_px=SIDE_PX, channels=1)
TOKENS = [
    b"0",
    b"-1",
    b"1e3",
    b"1e999",
    b"nan",
    b"NaN",
    b"null",
    b"true",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b" ",
]
TOKENS += [
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"..",
    b"/",
    b"\\",
    b"keypoints",
    b"iscrowd",
    b"bbox",
    b"n_points: 3",
    b"x",
    b"12.5",
]

Rows = list[tuple[np.ndarray, np.ndarray]]
"""A picture and its points, for each face."""


def draw(folder: Path, place: str, generator: np.random.Generator) -> list[np.ndarray]:
    """Write the photos as ``place`` with ``{}`` for the number says; their points, float64 (K, 2) from 0."""
    points = []
    for number in range(PHOTOS):
        path = folder / place.format(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (SIDE_PX, SIDE_PX), dtype=np.uint8)).save(path)
        points.append(np.round(generator.uniform(2, SIDE_PX - 3, (POINTS, 2)), 2))
    return points


def write_pts(folder: Path, generator: np.random.Generator) -> Path:
    """A folder of ``.pts``; every other one has a header."""
    for number, points in enumerate(draw(folder, "p{}_1.png", generator)):
        lines = [f"{x + 1:.2f} {y + 1:.2f}" for x, y in points]
        if number % 2:
            lines = ["version: 1", f"n_points: {POINTS}", "{", *lines, "}"]
        (folder / f"p{number}_1.pts").write_text("\n".join(lines) + "\n")
    return folder


def write_coco(folder: Path, generator: np.random.Generator) -> Path:
    """A COCO file beside its pictures."""
    document: dict[str, Any] = {"images": [], "annotations": []}
    for number, points in enumerate(draw(folder, "p{}.png", generator)):
        document["images"].append({"id": number, "file_name": f"p{number}.png", "width": SIDE_PX, "height": SIDE_PX})
        flat = [float(value) for x, y in points for value in (x, y, 2)]
        document["annotations"].append({"id": number, "image_id": number, "category_id": 1, "keypoints": flat,
                                        "bbox": [1, 1, 20, 20], "iscrowd": 0})  # fmt: skip
    document["categories"] = [{"id": 1, "keypoints": ["a", "b", "c", "d"]}]
    path = folder / "labels.json"
    path.write_text(json.dumps(document))
    return path


def write_deeplabcut(folder: Path, generator: np.random.Generator) -> Path:
    """A project of one video."""
    lines = [["scorer", *["s"] * 2 * POINTS], ["bodyparts", *"aabbccdd"], ["coords", *["x", "y"] * POINTS]]
    for number, points in enumerate(draw(folder, "labeled-data/v/p{}.png", generator)):
        lines.append([f"labeled-data/v/p{number}.png", *map(str, points.ravel())])
    (folder / "labeled-data" / "v" / "CollectedData_s.csv").write_text("\n".join(map(",".join, lines)) + "\n")
    (folder / "config.yaml").write_text("scorer: s\nbodyparts: [a, b, c, d]\n")
    return folder


def read_pts(folder: Path) -> Rows:
    """Every line of two numbers in every ``.pts``."""
    rows = []
    for path in sorted(folder.glob("*.[pP][tT][sS]")):
        lines = [line.split() for line in path.read_text("utf-8-sig").split("\n")]
        points = [list(map(float, words)) for words in lines if len(words) == 2 and words[0][-1] != ":"]
        picture = next(
            file for stem in (path.stem, path.stem[:-2]) for file in sorted(folder.iterdir())
            if file.stem == stem and file.suffix.lower() in (".png", ".jpg")
        )  # fmt: skip
        rows.append((_pixels(picture), np.array(points) - 1))
    return rows


def read_coco(path: Path) -> Rows:
    """Annotations with keypoints, in order of the pictures."""
    document = json.loads(path.read_bytes())
    rows = []
    for image in document["images"]:
        for one in document["annotations"]:
            faces = one.get("keypoints") and one.get("iscrowd") not in (1, True) and one.get("num_keypoints") != 0
            if faces and one["image_id"] == image["id"]:
                table = np.array(one["keypoints"], dtype=float).reshape(-1, 3)
                points = np.where(table[:, 2:] > 0, table[:, :2], np.nan)
                rows.append((_pixels(path.parent / image["file_name"]), points))
    return rows


def read_deeplabcut(folder: Path) -> Rows:
    """The rows of the one table."""
    rows = []
    files = (folder / "labeled-data" / "v").iterdir()
    (path,) = (
        file for file in files if file.name.lower().startswith("collecteddata_") and file.suffix.lower() == ".csv"
    )
    with path.open(newline="", encoding="utf-8-sig") as stream:
        for line in list(csv.reader(stream, strict=True))[3:]:
            if any(line):
                name = line[0].replace("\\", "/").rpartition("/")[2]
                numbers = [float(cell) if cell.strip() not in ("", "NA") else np.nan for cell in line[1:]]
                rows.append((_pixels(path.parent / name), np.array(numbers).reshape(-1, 2)))
    return rows


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


Form = tuple[Callable[[Path, np.random.Generator], Path], Callable[[Path], Rows]]
FORMS: dict[str, Form] = {
    "pts": (write_pts, read_pts),
    "coco": (write_coco, read_coco),
    "deeplabcut": (write_deeplabcut, read_deeplabcut),
}


def mutate(folder: Path, generator: random.Random) -> None:
    """One to three changes: mostly to annotations, some to pictures and to the folder itself."""
    for _ in range(generator.randint(1, 3)):
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        labels = [path for path in files if path.suffix.lower() != ".png"]
        kind = generator.random()
        if kind < 0.12 or not labels:
            _move(generator.choice(files), generator) if files else None
        else:
            path = generator.choice(labels if kind < 0.85 else files)
            path.write_bytes(_changed(path.read_bytes(), generator))


def _changed(content: bytes, generator: random.Random) -> bytes:
    changed = bytearray(content)
    if not changed:
        return b"\n"
    place, kind = generator.randrange(len(changed)), generator.randrange(6)
    if kind == 0:
        changed[place] = generator.randrange(256)
    elif kind == 1:
        changed[place:place] = generator.choice(TOKENS)
    elif kind == 2:
        del changed[place : place + generator.choice([1, 1, 2, 20])]
    elif kind == 3:
        changed[place : place + generator.randint(1, 4)] = generator.choice(TOKENS)
    elif kind == 4:
        lines = content.split(b"\n" if b"\n" in content[:-1] else b",")
        one, other = generator.randrange(len(lines)), generator.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
        changed = bytearray((b"\n" if b"\n" in content[:-1] else b",").join(lines))
    else:
        del changed[place:]
    return bytes(changed)


def _move(path: Path, generator: random.Random) -> None:
    kind = generator.randrange(5)
    if kind == 0:
        path.unlink()
    elif kind == 1 and path.suffix != ".jpg":
        shutil.copy(path, path.with_suffix(".jpg"))
    elif kind == 2:
        path.rename(path.with_suffix(path.suffix.upper()))
    elif kind == 3 and not path.stem.startswith("moved"):
        target = path.with_name(f"moved{path.name}")
        path.rename(target)
        path.symlink_to(generator.choice([target.name, "/etc/hostname", "..", path.name]))
    else:
        path.rename(path.with_name(f"q{path.name}"))


def mutated_set(form: str, folder: Path, generator: random.Random) -> tuple[FaceSource, Callable[[FaceSet], str]]:
    """A mutated set in ``folder``, which is emptied first, and the judge of what is read from it."""
    write, read = FORMS[form]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = write(folder, np.random.default_rng(generator.randrange(2**32)))
    mutate(folder, generator)
    return FaceSource(path, settings=WHOLE), lambda faces: compare(faces, read, path)


def compare(faces: FaceSet, read: Callable[[Path], Rows], path: Path) -> str:
    """Whether an accepted set was read as the plain reader reads it."""
    try:
        rows = [(picture, _inside(points)) for picture, points in read(path)]
    except Exception as error:
        return f"read, but the plain reader fails: {type(error).__name__}: {error}"
    rows = [row for row in rows if np.isfinite(row[1]).any()]
    same = len(rows) == faces.rows and all(
        np.array_equal(image, picture) and np.allclose(found, points, rtol=0, atol=1e-4, equal_nan=True)
        for image, found, (picture, points) in zip(faces.images, faces.keypoints, rows, strict=True)
    )
    return "read" if same else "read wrongly"


def _inside(points: np.ndarray) -> np.ndarray:
    outside = ((points < -1) | (points > SIDE_PX)).any(axis=1)
    return np.where(outside[:, None], np.nan, points)


def names_in(folder: Path) -> Sequence[str]:
    """What a refusal may name: the set, or any file that was in it."""
    return [folder.name, *(name for _, folders, files in os.walk(folder) for name in (*folders, *files))]
