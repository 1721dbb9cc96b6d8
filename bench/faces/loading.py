"""The front door of the faces room: a source becomes a face set."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.errors import DataError
from bench.faces.arrays import stored_faces
from bench.faces.cache import Cached, parsed_file, remembered_clusters
from bench.faces.face_set import SYNTHETIC, FaceSet, FaceSource
from bench.faces.grouping import AUTO, NONE, groups_from_values, read_group_file
from bench.faces.synthetic.stored import stored_synthetic_faces

DEFAULT_FILES = tuple(Path("data") / f"KeyFacialPoints{ending}" for ending in (".csv", ".csv.gz", ".zip"))


def load_faces(source: FaceSource) -> FaceSet:
    """Read and validate the faces of ``source``; parsed once, then mapped from the user's cache folder.

    Without a file, ``data/KeyFacialPoints.csv`` (or ``.csv.gz``, ``.zip``) of the working directory is read; where that
    is not there either, or where ``synthetic`` is asked for, bench draws synthetic faces.

    Args:
        source: file, groups and settings.

    Raises:
        DataError: the file cannot be used; names file, row, column, value and what to do.
        ConfigError: a setting names a point that the file has not.
    """
    return load_table(source)[0]


def load_table(source: FaceSource) -> tuple[FaceSet, Mapping[str, list[str]]]:
    """As :func:`load_faces`, and what else the file says of its rows: columns by name, N texts each."""
    found = _ungrouped(source)
    return _grouped(found, source.groups), found.columns


def _ungrouped(source: FaceSource) -> Cached:
    if source.stored is not None:
        return stored_faces(source.stored)
    path = source.data or next((file for file in DEFAULT_FILES if file.exists()), SYNTHETIC)
    if path == SYNTHETIC:
        return stored_synthetic_faces()
    return parsed_file(path, source.settings)


def _grouped(found: Cached, asked: str) -> FaceSet:
    faces = found.faces
    if asked == AUTO and faces.grouping != NONE:
        return faces
    if asked == AUTO:
        return replace(faces, groups=remembered_clusters(found), grouping=AUTO, people_known=False)
    if asked == NONE:
        return replace(faces, groups=np.arange(faces.rows, dtype=np.int64), grouping=NONE, people_known=False)
    if faces.synthetic:
        raise DataError(f"--groups {asked}: synthetic faces bring their own people; give --data FILE with it")
    if asked in found.columns:
        values, origin, grouping = found.columns[asked], f"{faces.name}, column {asked}", f"column:{asked}"
    else:
        file = Path(asked)
        if not asked or not file.exists():
            columns = ", ".join(found.columns) or "none"
            raise DataError(
                f"--groups {asked}: neither a file nor a column of {faces.name} (further columns: {columns}); "
                f"give FILE, COLUMN, auto or none"
            )
        values, origin, grouping = read_group_file(file, faces.rows), file.name, f"file:{file.name}"
    groups = groups_from_values(values, origin, faces.rows)
    return replace(faces, groups=groups, grouping=grouping, people_known=True)
