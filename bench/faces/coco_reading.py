"""Reads COCO keypoint JSON: pictures, annotations with ``keypoints`` and ``bbox``, and categories that name points.

Points count pixels from 0, as COCO's do; files converted from others often go on counting from 1, which nothing in them
says (``data.first_pixel=1``).
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from bench.config.data import DataSettings
from bench.errors import DataError
from bench.faces.cropping import Box
from bench.faces.face_set import Row
from bench.faces.photo_rows import FOLDER, PHOTO, Labelled, PhotoSet, Say, counted, names_for
from bench.faces.picture_files import MOST_SIDE, Size
from bench.faces.picture_folders import read_annotation, refuse_odd_name
from bench.outside_text import printable
from bench.scheme import Scheme

FARTHEST = 1e6
"""No coordinate of a picture is larger."""

Table = dict[str, Any]
Id = int | str


def is_coco(path: Path) -> bool:
    """Whether a path is called as these files are."""
    return path.suffix.lower() == ".json"


def pictures_folder(path: Path, settings: DataSettings) -> Path:
    """Where the pictures of a file stand."""
    return settings.images if settings.images is not None else path.parent


def read_coco(path: Path, settings: DataSettings, say: Say) -> Iterator[tuple[Scheme, Row]]:
    """Read a COCO keypoint file and its pictures.

    Args:
        path: the JSON.
        settings: what it does not say, the pictures' folder among it.
        say: takes guesses and counts.

    Raises:
        DataError: names the file, the annotation by its id, and the value.
    """
    root = pictures_folder(path, settings)
    if not root.is_dir():
        raise DataError(f"--images {root}: no such folder; name the one that holds the pictures of {path.name}")
    document = _parsed(path)
    pictures = _pictures(document, path.name)
    found = _Found(path.name, _categories(document, path.name))
    for number, annotation in enumerate(_tables(document, "annotations", path.name), start=1):
        found.add(annotation, number, pictures)
    names = found.names(settings, say)
    photos = PhotoSet(path.name, root, names, crop="box", boxes=True)
    yield from photos.rows(_faces(found, pictures, root, settings.first_pixel or 0), settings, say)


@dataclass(frozen=True)
class _Picture:
    file_name: str
    size: Size | None


@dataclass(frozen=True)
class _Annotation:
    where: str
    points: NDArray[np.float64]
    box: Box | None


@dataclass
class _Found:
    """The annotations that are faces, by picture, and how many others there were."""

    name: str
    categories: Mapping[Id, tuple[str, ...] | None]
    by_picture: dict[Id, list[_Annotation]] = field(default_factory=lambda: defaultdict(list))
    named: tuple[str, ...] | None = None
    count: int = 0
    crowds: int = 0
    bare: int = 0
    first: str = ""

    def add(self, annotation: Table, number: int, pictures: Mapping[Id, _Picture]) -> None:
        """Take in one annotation, the ``number``-th."""
        told = annotation.get("id")
        where = f"{self.name}: annotation {_shown(told) if _is_id(told) else f'number {number}'}"
        if annotation.get("iscrowd") in (1, True):
            self.crowds += 1
            return
        flat = annotation.get("keypoints")
        if flat is None or flat == [] or annotation.get("num_keypoints") == 0:
            self.bare += 1
            return
        picture = annotation.get("image_id")
        if not _is_id(picture) or picture not in pictures:
            raise DataError(f"{where}: image_id is {_shown(picture)}, no picture of the file; add it to 'images'")
        points = _points(flat, where)
        self._agree(annotation.get("category_id"), len(points), where)
        box = annotation.get("bbox")
        self.by_picture[picture].append(_Annotation(where, points, None if box is None else _box(box, where)))

    def _agree(self, category: object, count: int, where: str) -> None:
        if not _is_id(category) or category not in self.categories:
            raise DataError(f"{where}: category_id is {_shown(category)}, no category of the file; add it")
        names = self.categories[category]
        if names is not None and len(names) != count:
            raise DataError(f"{where}: {count} points, but its category names {len(names)}; make them agree")
        if not self.count:
            self.named, self.count, self.first = names, count, where
        elif count != self.count or names != self.named:
            raise DataError(
                f"{where}: {count} points of another category than in '{self.first}'; take one kind of object at a time"
            )

    def names(self, settings: DataSettings, say: Say) -> tuple[str, ...]:
        """The names of the points; says what was left out."""
        if self.crowds:
            say(counted(self.crowds, "annotations of crowds left out"))
        if self.bare:
            say(counted(self.bare, "annotations without keypoints left out"))
        if not self.count:
            raise DataError(f"{self.name}: no annotation with keypoints; name a file of COCO keypoints")
        return names_for(self.named, self.count, settings, self.name, say)


def _faces(found: _Found, pictures: Mapping[Id, _Picture], root: Path, first: int) -> Iterator[Labelled]:
    for number, picture in pictures.items():
        for one in found.by_picture.get(number, []):
            file_name = picture.file_name
            columns = {PHOTO: file_name, FOLDER: str(PurePosixPath(file_name).parent)}
            box = one.box and Box(one.box.left - first, one.box.top - first, one.box.width, one.box.height)
            yield Labelled(one.where, root / file_name, one.points - first, columns, box, picture.size)


def _parsed(path: Path) -> Table:
    content = read_annotation(path)
    try:
        document = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        told = printable(" ".join(str(error).split()))[:100]
        raise DataError(f"{path.name}: no sound JSON ({told}); export it again") from error
    if not isinstance(document, dict):
        raise DataError(f"{path.name}: holds a {type(document).__name__}, expected images, annotations and categories")
    return document


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _tables(document: Table, key: str, name: str) -> list[Table]:
    found = document.get(key)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise DataError(f"{name}: '{key}' is missing or no list of objects; expected COCO keypoints")
    return found


def _is_id(value: object) -> TypeGuard[Id]:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _shown(value: object) -> str:
    return printable(" ".join(str(value).split()))[:40]


def _pictures(document: Table, name: str) -> dict[Id, _Picture]:
    pictures: dict[Id, _Picture] = {}
    for number, table in enumerate(_tables(document, "images", name), start=1):
        told, file_name = table.get("id"), table.get("file_name")
        where = f"{name}: picture number {number}"
        if not _is_id(told):
            raise DataError(f"{where}: its id is {_shown(told)}, expected a number; give it one")
        if told in pictures:
            raise DataError(f"{where}: its id {_shown(told)} stands twice; give each picture an id of its own")
        if not isinstance(file_name, str) or not file_name.strip() or "\\" in file_name:
            raise DataError(f"{where}: its file_name is '{_shown(file_name)}', expected a path with slashes")
        refuse_odd_name(file_name, where)
        inside = PurePosixPath(file_name)
        if inside.is_absolute() or ".." in inside.parts:
            raise DataError(
                f"{where}: its file_name '{_shown(file_name)}' leads out of the folder; do not trust this file"
            )
        pictures[told] = _Picture(file_name, _size(table, where))
    return pictures


def _size(table: Table, where: str) -> Size | None:
    told = [table.get(key) for key in ("width", "height")]
    if told == [None, None]:
        return None
    sides = [side for side in told if isinstance(side, int) and not isinstance(side, bool) and 1 <= side <= MOST_SIDE]
    if len(sides) != 2:
        raise DataError(f"{where}: {_shown(told[0])} x {_shown(told[1])} is no size of a picture; correct or remove it")
    return sides[0], sides[1]


def _categories(document: Table, name: str) -> dict[Id, tuple[str, ...] | None]:
    """By category the names of its points; None where it gives none."""
    categories: dict[Id, tuple[str, ...] | None] = {}
    for number, table in enumerate(_tables(document, "categories", name), start=1):
        told, names = table.get("id"), table.get("keypoints")
        if not _is_id(told) or told in categories:
            raise DataError(
                f"{name}: category number {number}: its id is {_shown(told)}, missing or there twice; correct it"
            )
        if names is not None and not (isinstance(names, list) and all(isinstance(one, str) for one in names)):
            raise DataError(f"{name}: category {_shown(told)}: its keypoints are no list of names; correct it")
        categories[told] = tuple(names) if names else None
    return categories


def _numbers(values: object, where: str, key: str) -> list[float]:
    if not isinstance(values, list):
        raise DataError(f"{where}: {key} is {_shown(values)}, expected a list of numbers")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= FARTHEST:
            raise DataError(f"{where}: {key} holds {_shown(value)}, expected pixels; correct it")
    return [float(value) for value in values]


def _points(flat: object, where: str) -> NDArray[np.float64]:
    """x, y, v for each point -> float64 (K, 2); v is 0 (not labelled), 1 (hidden, but labelled) or 2."""
    numbers = _numbers(flat, where, "keypoints")
    if len(numbers) % 3:
        raise DataError(f"{where}: keypoints holds {len(numbers)} numbers, expected x, y, v for each point")
    table = np.array(numbers, dtype=np.float64).reshape(-1, 3)
    visible = table[:, 2]
    wrong = ~np.isin(visible, (0.0, 1.0, 2.0))
    if wrong.any():
        place = int(np.argmax(wrong))
        raise DataError(f"{where}: point {place + 1} has visibility {visible[place]:.4g}, expected 0, 1 or 2")
    points = table[:, :2].copy()
    points[visible == 0] = np.nan
    return points


def _box(values: object, where: str) -> Box:
    numbers = _numbers(values, where, "bbox")
    if len(numbers) != 4:
        raise DataError(f"{where}: bbox holds {len(numbers)} numbers, expected left, top, width, height")
    if min(numbers[2:]) < 0:
        raise DataError(f"{where}: bbox has a side of {min(numbers[2:]):.6g} px; correct it or take it out")
    return Box(*numbers)
