"""What all readers of whole photos share: names, which points, what is cut out, what is left out and said."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.config.data import Channels, Crop, DataSettings
from bench.errors import ConfigError, DataError
from bench.faces.cropping import Box, Square, box_around
from bench.faces.face_set import Row
from bench.faces.known_points import KNOWN
from bench.faces.picture_files import Size, contained, open_picture
from bench.outside_text import CONTROL, printable
from bench.scheme import SEED_SCHEME, Scheme

Say = Callable[[str], None]
"""Takes what a reader has to say of a file: what it guessed, what it left out."""
PHOTO, FOLDER = "photo", "folder"
"""Columns of every row: faces of one photo share the first, photos of one folder the second."""
MARGIN = 0.25
BEYOND_PX = 1.0
"""A label may lie outside the square by so much, as it may outside the pictures of a CSV."""
MOST_POINTS = 5_000
LONGEST_NAME = 100


@dataclass(frozen=True)
class Labelled:
    """One face in a photo, as an annotation tells it.

    Attributes:
        where: annotation file and row, for messages.
        picture: the photo, not looked at yet.
        points: float64 (K, 2), pixel centres at integers from 0; NaN = not labelled.
        columns: what else is known of it, ``photo`` and ``folder`` at least.
        box: where the face is; None = not told.
        size: width and height of the photo; None = not told.
    """

    where: str
    picture: Path
    points: NDArray[np.float64]
    columns: Mapping[str, str]
    box: Box | None = None
    size: Size | None = None


@dataclass(frozen=True)
class PhotoSet:
    """What holds for all faces of a set.

    Attributes:
        name: of the file or folder, for messages.
        root: no picture may lie outside this folder.
        names: of the points, K.
        crop: what is cut out where the settings do not say it.
        boxes: whether the format has boxes at all.
    """

    name: str
    root: Path
    names: tuple[str, ...]
    crop: Crop
    boxes: bool = False

    def rows(self, labelled: Iterable[Labelled], settings: DataSettings, say: Say) -> Iterator[tuple[Scheme, Row]]:
        """The faces as rows, photo by photo; in memory there is one photo.

        Args:
            labelled: the faces; those of one photo one after the other, so that it is opened once.
            settings: the ``[data]`` table.
            say: what was left out, at the end.

        Raises:
            DataError: a photo or a label that cannot be used, or no face at all.
            ConfigError: a setting that does not fit.
        """
        crop = settings.crop or self.crop
        if crop == "box" and not self.boxes:
            raise ConfigError(f"data.crop is box, but {self.name} holds no boxes; say points or frame")
        wanted = settings.points if isinstance(settings.points, tuple) else self.names
        missing = next((name for name in wanted if name not in self.names), None)
        if missing is not None:
            raise ConfigError(f"data.points names '{missing}', which is no point of {self.name}; {_listed(self.names)}")
        scheme = settings.scheme(wanted, settings.side_px or SEED_SCHEME.side_px, settings.channels or 1)
        if scheme.mirror is None:
            say("which points are left and right is not known: no picture is mirrored (data.mirror names the pairs)")
        if crop == "points":
            say("cut around the labelled points: boxes that a detector finds will lie less exactly")
        cutting = _Cutting(self, scheme, crop, settings.margin)
        some = False
        for one in labelled:
            row = cutting.row(one)
            if row is not None:
                some = True
                yield scheme, row
        if not some:
            raise DataError(f"{self.name}: no face with a label that can be used{cutting.words()}; check the file")
        for words in cutting.said():
            say(words)


NO_LABEL, NO_EXTENT, NO_BOX, OUTSIDE = "no label", "no extent", "no box", "outside"
WORDS = {
    NO_LABEL: "{n} faces without a label left out",
    NO_EXTENT: "{n} faces left out, whose labels have no extent to cut a box by (data.crop=frame keeps them)",
    NO_BOX: "{n} boxes of no size: cut around the points instead",
    OUTSIDE: "{n} points outside the picture cut out, taken as not labelled",
}


class _Cutting:
    """Makes rows of faces, and counts what it does to them. Boxes are around all points, whichever are wanted."""

    def __init__(self, photos: PhotoSet, scheme: Scheme, crop: Crop, margin: float | None) -> None:
        self._photos, self._scheme, self._crop = photos, scheme, crop
        self._chosen = [photos.names.index(name) for name in scheme.names]
        self._margin = margin if margin is not None else 0.0 if crop == "frame" else MARGIN
        self._open: tuple[Path, Image.Image] | None = None
        self._counts: Counter[str] = Counter()

    def row(self, one: Labelled) -> Row | None:
        """The face cut out; None where it cannot be."""
        if np.isnan(one.points[self._chosen]).all():
            self._counts[NO_LABEL] += 1
            return None
        photo = self._photo(one)
        _refuse_far(one, photo.size, self._photos.names)
        box = self._box(one, photo.size)
        if not (box.width > 0 or box.height > 0):
            self._counts[NO_EXTENT] += 1
            return None
        square = box.square(self._margin)
        _refuse_huge(square, photo.size, one.where)
        points = square.points(one.points[self._chosen], self._scheme.side_px)
        outside = ((points < -BEYOND_PX) | (points > self._scheme.side_px - 1 + BEYOND_PX)).any(axis=1)
        self._counts[OUTSIDE] += int(outside.sum())
        points[outside] = np.nan
        if np.isnan(points).all():
            self._counts[NO_LABEL] += 1
            return None
        picture = square.picture(photo, self._scheme.side_px)
        return Row(picture, points.astype(np.float32), one.columns)

    def _photo(self, one: Labelled) -> Image.Image:
        real = contained(one.picture, self._photos.root, one.where)
        if self._open is None or self._open[0] != real:
            self._open = None  # one in memory, not two
            channels: Channels = self._scheme.channels
            self._open = real, open_picture(real, channels, one.where, one.size)
        return self._open[1]

    def _box(self, one: Labelled, size: Size) -> Box:
        if self._crop == "frame":
            return Box(0.0, 0.0, *map(float, size))
        if self._crop == "box" and one.box is not None:
            if one.box.has_size:
                return one.box
            self._counts[NO_BOX] += 1
        return box_around(one.points)

    def said(self) -> list[str]:
        """What there is to say, in sentences."""
        return [
            _singular(WORDS[kind].format(n=f"{count:,}"), count) for kind, count in self._counts.items() if count > 0
        ]

    def words(self) -> str:
        """The same in brackets."""
        said = "; ".join(self.said())
        return f" ({said})" if said else ""


SINGULARS = {
    "face": "faces", "box": "boxes", "point": "points", "annotation": "annotations", "picture": "pictures",
}  # fmt: skip


def _singular(words: str, count: int) -> str:
    """``1 face`` for ``1 faces``."""
    if count != 1:
        return words
    for one, many in SINGULARS.items():
        words = words.replace(f"1 {many} ", f"1 {one} ", 1)
    return words


def counted(count: int, words: str) -> str:
    """``3 faces ...``, ``1 face ...``."""
    return _singular(f"{count:,} {words}", count)


def _refuse_far(one: Labelled, size: Size, names: Sequence[str]) -> None:
    limits = np.array(size, dtype=np.float64)
    far = ((one.points < -limits) | (one.points > 2 * limits)).any(axis=1)
    if far.any():
        place = int(np.argmax(far))
        x, y = one.points[place].tolist()
        raise DataError(
            f"{one.where}: point {names[place]} at {x:.10g}, {y:.10g} lies far outside its picture of "
            f"{size[0]} x {size[1]} px; correct it or take it out"
        )


def _refuse_huge(square: Square, size: Size, where: str) -> None:
    """A square of three times the photo has the photo in it nine times; more is no box of a face in it."""
    most = 3.0 * max(size)
    beside = square.left > size[0] or square.top > size[1] or min(square.left, square.top) + square.side < 0
    if square.side > most or beside or not math.isfinite(square.left + square.top):
        raise DataError(
            f"{where}: the box to cut out, {square.side:.4g} px at {square.left:.4g}, {square.top:.4g}, does not fit "
            f"its picture of {size[0]} x {size[1]} px; correct the box, or make data.margin smaller"
        )


def names_for(given: Sequence[str] | None, count: int, settings: DataSettings, where: str, say: Say) -> tuple[str, ...]:
    """Names of ``count`` points: those given, those the user gives, those of a known set, else numbers from 1.

    Raises:
        DataError: a name is empty, stands twice or is no line of text; or no points, or far too many.
    """
    if not 1 <= count <= MOST_POINTS:
        raise DataError(f"{where}: {count:,} points, expected 1 to {MOST_POINTS:,}; check the file")
    if given is not None:
        return _checked(given, where)
    words, names = KNOWN.get(count, ("", tuple(f"point_{number}" for number in range(1, count + 1))))
    told = settings.points
    if isinstance(told, tuple) and len(told) == count and not set(told) <= set(names):
        return _checked(told, where)
    if words:
        say(f"the file names no points; guessed from their number: {words} (data.points names others)")
    else:
        say(f"the file names no points, and no known set has {count}: called point_1 to point_{count}")
    return names


def _checked(given: Sequence[str], where: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in given)
    for number, name in enumerate(names, start=1):
        shown = printable(name)[:LONGEST_NAME]
        if not name or len(name) > LONGEST_NAME or CONTROL.search(name) or "\n" in name or "\t" in name:
            raise DataError(f"{where}: the name of point {number} is '{shown}'; give each a short name of its own")
        if name in names[: number - 1]:
            raise DataError(f"{where}: two points are called '{shown}'; give each a name of its own")
    return names


def _listed(names: Sequence[str]) -> str:
    return f"it has {', '.join(names[:8])}" + (" and more" if len(names) > 8 else "")
