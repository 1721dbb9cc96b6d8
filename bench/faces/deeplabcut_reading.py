"""Reads a DeepLabCut project, its ``labeled-data`` folder or one video's folder of frames: the CSV files alone.

``CollectedData_<scorer>.csv`` stands beside the frames of each video, with header rows that name scorer, individuals
(projects of several animals), bodyparts and coordinates. The ``.h5`` beside it, a pickled table, is never opened.
"""

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from bench.config.data import DataSettings
from bench.errors import DataError
from bench.faces.face_set import Row
from bench.faces.photo_rows import FOLDER, PHOTO, Labelled, PhotoSet, Say, counted, names_for
from bench.faces.picture_files import is_picture
from bench.faces.picture_folders import read_annotation, refuse_odd_name, shown_place
from bench.outside_text import printable
from bench.scheme import Scheme

PROJECT, LABELED = "config.yaml", "labeled-data"
TABLE = re.compile(r"CollectedData_(.+)\.csv", re.IGNORECASE | re.DOTALL)
MOST_PROJECT_BYTES = 1_000_000
LEVELS = ("scorer", "individuals", "bodyparts", "coords")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
MISSING = ("", "nan", "NaN", "NA")
SINGLE = "single"
"""The individual of points that belong to none, in projects of several animals."""


def is_wanted(name: str) -> bool:
    """Whether a file matters to this reader."""
    return is_picture(name) or TABLE.fullmatch(name) is not None or name == PROJECT


def is_deeplabcut(path: Path) -> bool:
    """Whether a path is a project, a ``labeled-data`` folder or a folder of one video's frames."""
    try:
        return path.is_dir() and bool(_tables(path))
    except OSError:
        return False


def _tables(path: Path) -> list[Path]:
    """The CSV files of a folder: its own, or those of its videos, or those of its ``labeled-data``."""
    for folder in (path, path / LABELED):
        if folder.is_dir() and not folder.is_symlink():
            own = [file for file in sorted(folder.iterdir()) if TABLE.fullmatch(file.name)]
            videos = [video for video in sorted(folder.iterdir()) if video.is_dir() and not video.is_symlink()]
            below = [file for video in videos for file in sorted(video.iterdir()) if TABLE.fullmatch(file.name)]
            if own or below:
                return own or below
    return []


def read_deeplabcut(path: Path, settings: DataSettings, say: Say) -> Iterator[tuple[Scheme, Row]]:
    """Read the labelled frames of a project.

    Args:
        path: the project, its ``labeled-data``, or one video's folder in it.
        settings: what the project does not say.
        say: takes guesses and counts.

    Raises:
        DataError: names file, row, column and value.
    """
    name = path.name or path.resolve().name
    try:
        tables = _of_scorer(_tables(path), path, name)
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}); check its permissions") from error
    headers = {table: _header(table, path) for table in tables}
    parts = headers[tables[0]].parts
    for table, header in headers.items():
        if header.parts != parts:
            raise DataError(f"{shown_place(table, path)}: other bodyparts than in {shown_place(tables[0], path)}")
    names = names_for(parts, len(parts), settings, name, say)
    if len(tables) == 1:
        say("all frames are of one video: folds keep near-duplicates together, but cannot tell how another video goes")
    left_out, first = [0], settings.first_pixel or 0
    faces = (one for table in tables for one in _faces(table, headers[table], path, first, left_out))
    yield from PhotoSet(name, path, names, crop="frame").rows(faces, settings, say)
    if left_out[0]:
        say(counted(left_out[0], "frames without any label left out").replace("1 frames", "1 frame"))


def _of_scorer(tables: Sequence[Path], path: Path, name: str) -> list[Path]:
    """One table for each video: that of the project's scorer where there are several."""
    scorer = _project(path).get("scorer")
    chosen: list[Path] = []
    for folder in dict.fromkeys(table.parent for table in tables):
        here = [table for table in tables if table.parent == folder]
        if len(here) > 1:
            found = [table.name for table in here]
            here = [table for table in here if table.name.lower() == f"collecteddata_{scorer}.csv".lower()]
            if len(here) != 1:
                raise DataError(
                    f"{name}: {len(found)} files of labels in {folder.name} ({', '.join(found[:3])}), and {PROJECT} "
                    "names the scorer of none or several; keep one"
                )
        chosen += here
    return chosen


def project_file(path: Path) -> Path:
    """Where the project's ``config.yaml`` stands, or would: above ``labeled-data`` or a video's folder."""
    above = path.resolve().parent
    own = (path / LABELED).is_dir()
    return (path if own else above if path.resolve().name == LABELED else above.parent) / PROJECT


def _project(path: Path) -> dict[str, Any]:
    """What ``config.yaml`` says; nothing where there is none.

    Raises:
        DataError: it is no YAML that holds names and values.
    """
    file = project_file(path)
    if not file.is_file():
        return {}
    content = read_annotation(file, file.parent, MOST_PROJECT_BYTES)
    try:
        project = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        told = printable(" ".join(str(error).split()))[:100]
        raise DataError(f"{PROJECT}: no sound YAML ({told}); copy it again") from error
    if not isinstance(project, dict):
        raise DataError(f"{PROJECT}: holds no names and values; copy it again")
    return project


@dataclass(frozen=True)
class _Header:
    """The header rows: for each column of numbers whose point it is; ``first`` columns before them name the frame."""

    rows: int
    first: int
    parts: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...]
    """(individual or nothing, bodypart, x or y) of each column."""


def _lines(table: Path, root: Path) -> list[list[str]]:
    where = shown_place(table, root)
    try:
        text = read_annotation(table, root).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: not UTF-8 text; save it as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{where}: no CSV ({error}); export it again") from error


def _header(table: Path, root: Path) -> _Header:
    where = shown_place(table, root)
    levels: dict[str, list[str]] = {}
    for line in _lines(table, root)[: len(LEVELS)]:
        if line and line[0] in LEVELS and line[0] not in levels:
            levels[line[0]] = line
    missing = next((level for level in ("scorer", "bodyparts", "coords") if level not in levels), None)
    if missing is not None:
        raise DataError(
            f"{where}: no header row '{missing}'; expected scorer, bodyparts and coords, as DeepLabCut writes"
        )
    coordinates = levels["coords"]
    first = next((place for place, word in enumerate(coordinates) if place and word), 0)
    if first not in (1, 3) or any(len(line) != len(coordinates) for line in levels.values()):
        raise DataError(f"{where}: header rows of unlike lengths or without columns; export it again")
    individuals = levels.get("individuals", [""] * len(coordinates))
    columns = tuple(zip(individuals[first:], levels["bodyparts"][first:], coordinates[first:], strict=True))
    for number, (individual, part, axis) in enumerate(columns):
        expected = (individual, part, "y") if number % 2 else None
        if axis != "xy"[number % 2] or (expected is not None and columns[number - 1][:2] != (individual, part)):
            raise DataError(f"{where}: column {first + number + 1} is {part[:30]} {axis[:30]}, expected x, y by turns")
    if len(columns) % 2 or len(set(columns)) < len(columns):
        raise DataError(f"{where}: a bodypart stands twice, or lacks a coordinate; export it again")
    parts = tuple(dict.fromkeys(part for individual, part, _ in columns if individual != SINGLE))
    return _Header(len(levels), first, parts, columns)


def _faces(table: Path, header: _Header, root: Path, first: int, left_out: list[int]) -> Iterator[Labelled]:
    place = shown_place(table, root)
    seen: set[str] = set()
    for number, line in enumerate(_lines(table, root)[header.rows :], start=1):
        if not any(line):
            continue
        where = f"{place}: row {number}"
        if len(line) != header.first + len(header.columns):
            raise DataError(f"{where} has {len(line)} fields, expected {header.first + len(header.columns)}")
        frame = _frame(line[: header.first], where)
        if frame in seen:
            raise DataError(f"{where}: frame '{frame}' stands twice; keep one row")
        seen.add(frame)
        photo = shown_place(table.parent / frame, root)
        columns = {PHOTO: photo, FOLDER: shown_place(table.parent, root)}
        some = False
        for points in _animals(line[header.first :], header, where):
            if not np.isnan(points).all():
                some = True
                yield Labelled(where, table.parent / frame, points - first, columns)
        left_out[0] += not some


def _frame(cells: Sequence[str], where: str) -> str:
    """The name of a frame's file, whatever folders the project once stood in."""
    name = PurePosixPath(cells[-1].replace("\\", "/")).name
    refuse_odd_name(name, where)
    if name in ("", ".", "..") or not is_picture(name):
        raise DataError(f"{where}: '{printable(cells[-1])[:40]}' is no picture's name; correct it")
    return name


def _animals(cells: Sequence[str], header: _Header, where: str) -> Iterator[NDArray[np.float64]]:
    """The points of each individual, float64 (K, 2)."""
    places = {part: place for place, part in enumerate(header.parts)}
    animals: dict[str, NDArray[np.float64]] = {}
    for number in range(0, len(cells), 2):
        individual, part, _ = header.columns[number]
        x, y = (_number(cell, where, part) for cell in cells[number : number + 2])
        if math.isnan(x) != math.isnan(y):
            raise DataError(f"{where}: {part[:30]} has only one of its two coordinates; give both or neither")
        if part in places and individual != SINGLE:
            animals.setdefault(individual, np.full((len(places), 2), np.nan))[places[part]] = x, y
    yield from animals.values()


def _number(cell: str, where: str, part: str) -> float:
    text = cell.strip()
    if text in MISSING:
        return math.nan
    if NUMBER.fullmatch(text) is None or math.isinf(float(text)):
        raise DataError(f"{where}: {part[:30]} is '{printable(text)[:20]}', expected pixels; correct or empty it")
    return float(text)
