"""Reads a folder of photos with ``.pts`` files, as iBUG's sets and annotation tools leave them.

A file holds ``version``, ``n_points`` and the points between braces, or the points alone, one a line. Coordinates count
pixels from 1, as in MATLAB, so that 1 is taken off (``data.first_pixel=0`` where they count from 0).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.config.data import DataSettings
from bench.errors import DataError
from bench.faces.face_set import Row
from bench.faces.photo_rows import FOLDER, PHOTO, Labelled, PhotoSet, Say, counted, names_for
from bench.faces.picture_files import is_picture
from bench.faces.picture_folders import files_below, read_annotation, shown_place
from bench.scheme import Scheme

ENDING = ".pts"
MOST_BYTES = 1_000_000
NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)"
POINT = re.compile(rf"\s*{NUMBER}\s+{NUMBER}\s*", re.ASCII)
HEADER = re.compile(r"\s*(version|n_points)\s*:\s*(\d+(?:\.\d+)?)\s*", re.ASCII)
FACE = re.compile(r"(.+)_[1-9]\d?", re.ASCII | re.DOTALL)
"""``NAME_1``, ``NAME_2``: faces of one photo."""
MOST_FACES = 20
"""More under one name are a numbering of photos and no faces of one."""
PICTURES_BESIDE = ("imgs", "images", "img")
"""Folders beside that of the ``.pts`` (``annot`` in 300-VW) where the pictures may stand instead."""


def is_wanted(name: str) -> bool:
    """Whether a file matters to this reader."""
    return name.lower().endswith(ENDING) or is_picture(name)


def read_pts(path: Path, settings: DataSettings, say: Say) -> Iterator[tuple[Scheme, Row]]:
    """Read a folder of ``.pts`` files and their pictures, with all folders below it.

    Args:
        path: the folder.
        settings: what the files do not say.
        say: takes guesses and counts.

    Raises:
        DataError: names file, line and value.
    """
    name = path.name or path.resolve().name
    try:
        files = files_below(path, is_wanted)
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}); check its permissions") from error
    pictures: dict[Path, list[Path]] = defaultdict(list)
    labels = []
    for file in files:
        if is_picture(file.name):
            pictures[file.with_suffix("")].append(file)
        else:
            labels.append(file)
    if not labels:
        raise DataError(
            f"{name}: is a folder without {ENDING} files and no DeepLabCut project; name the CSV or COCO JSON itself"
        )
    matched = {file: _picture_of(file, pictures, path) for file in labels}
    _refuse_twice(labels, path)
    without = sum(map(len, pictures.values())) - len(set(matched.values()))
    if without:
        say(counted(without, f"pictures without {ENDING} left out"))
    first = settings.first_pixel if settings.first_pixel is not None else 1
    if settings.first_pixel is None:
        say(f"{ENDING} counts pixels from 1: 1 taken off every coordinate (data.first_pixel=0 where it counts from 0)")
    count = len(read_points(labels[0], shown_place(labels[0], path), path))
    names = names_for(None, count, settings, name, say)
    faces = _faces(matched, path, first, count)
    yield from PhotoSet(name, path, names, crop="points").rows(faces, settings, say)


def _faces(matched: Mapping[Path, Path], root: Path, first: int, count: int) -> Iterator[Labelled]:
    photos = photo_names([shown_place(file, root) for file in matched])
    for (file, picture), photo in zip(matched.items(), photos, strict=True):
        where = shown_place(file, root)
        points = read_points(file, where, root)
        if len(points) != count:
            raise DataError(f"{where}: {len(points)} points, but {count} in the first file; take one set at a time")
        folder = shown_place(file.parent, root)
        yield Labelled(where, picture, points - first, {PHOTO: photo, FOLDER: folder})


def photo_names(places: list[str]) -> list[str]:
    """Which photo each ``.pts`` file is of: ``NAME_1`` and ``NAME_2`` are of one, unless they are a mere numbering.

    A numbering is taken where one name has more than twenty, or all files of a folder with more than two.
    """
    stems = [place[: -len(ENDING)] for place in places]
    bases = [match[1] if (match := FACE.fullmatch(stem)) else stem for stem in stems]
    faces, of_folder = Counter(bases), Counter(base.rpartition("/")[0] for base in bases)

    def numbering(base: str) -> bool:
        return faces[base] > MOST_FACES or 2 < faces[base] == of_folder[base.rpartition("/")[0]]

    return [stem if numbering(base) else base for stem, base in zip(stems, bases, strict=True)]


def _refuse_twice(labels: list[Path], root: Path) -> None:
    stem, times = Counter(file.with_suffix("") for file in labels).most_common(1)[0]
    if times > 1:
        raise DataError(f"{shown_place(stem, root)}: {times} files end in {ENDING}, in other cases; keep one")


def _picture_of(file: Path, pictures: Mapping[Path, list[Path]], root: Path) -> Path:
    """The one picture of a ``.pts`` file: of its name, or of its photo's name, beside it or in ``imgs``."""
    stems = [file.with_suffix("")]
    if match := FACE.fullmatch(file.stem):
        stems.append(file.with_name(match[1]))
    stems += [stem.parent.parent / beside / stem.name for stem in list(stems) for beside in PICTURES_BESIDE]
    found = next((pictures[stem] for stem in stems if stem in pictures), [])
    where = shown_place(file, root)
    if not found:
        raise DataError(
            f"{where}: no picture {file.stem}.jpg, .png or the like beside it; add it or take this file out"
        )
    if len(found) > 1:
        raise DataError(f"{where}: {len(found)} pictures, {found[0].name} and {found[1].name}; keep the one labelled")
    return found[0]


def read_points(file: Path, where: str, root: Path | None = None) -> NDArray[np.float64]:
    """The coordinates of one file as they stand in it, float64 (K, 2).

    Raises:
        DataError: it is no such file; names line and value.
    """
    try:
        text = read_annotation(file, root, MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: is no text; save it as plain text") from error
    declared: int | None = None
    state = "before"
    points: list[tuple[float, float]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if not stripped:
            continue
        header, point = HEADER.fullmatch(line), POINT.fullmatch(line)
        if header and state == "before" and not points:
            declared = int(float(header[2])) if header[1] == "n_points" else declared
        elif stripped == "{" and state == "before" and not points:
            state = "inside"
        elif stripped == "}" and state == "inside":
            state = "after"
        elif point and state != "after":
            points.append((float(point[1]), float(point[2])))
        else:
            shown = stripped[:30]
            raise DataError(f"{where}: line {number} is '{shown}', expected two numbers; correct it")
    if state == "inside":
        raise DataError(f"{where}: the brace is not closed; the file breaks off, copy it again")
    if declared is not None and declared != len(points):
        raise DataError(f"{where}: {len(points)} points, but n_points says {declared}; copy it again")
    if not points:
        raise DataError(f"{where}: holds no points; take it out")
    return np.array(points, dtype=np.float64)
