"""The front door of the faces room: a source becomes a face set."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.faces.cache import Parsed, parsed_file, remembered_clusters
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.grouping import AUTO, NONE, groups_from_values, read_group_file
from bench.faces.synthetic.stored import stored_synthetic_faces

DEFAULT_FILES = tuple(Path("data") / f"KeyFacialPoints{ending}" for ending in (".csv", ".csv.gz", ".zip"))


def load_faces(source: FaceSource, *, verify: bool = False) -> FaceSet:
    """Read and validate the faces of ``source``; parsed once, then mapped from the user's cache folder.

    Without a file, ``data/KeyFacialPoints.csv`` (or ``.csv.gz``, ``.zip``) of the working directory is read; where that
    is not there either, bench draws synthetic faces.

    Args:
        source: file and groups.
        verify: check every byte of the cache.

    Raises:
        DataError: the file cannot be used; names file, row, column, value and what to do.
    """
    path = source.data or next((file for file in DEFAULT_FILES if file.exists()), None)
    if path is None:
        return _synthetic(source)
    parsed = parsed_file(path, verify=verify)
    groups, grouping, people_known = _groups(source.groups, parsed, path)
    return FaceSet(path.name, parsed.images, parsed.keypoints, groups, grouping, people_known, parsed.fingerprint)


def _groups(asked: str, parsed: Parsed, path: Path) -> tuple[NDArray[np.int64], str, bool]:
    rows = len(parsed.images)
    if asked == NONE:
        return np.arange(rows, dtype=np.int64), NONE, False
    if asked == AUTO:
        return remembered_clusters(parsed), AUTO, False
    if asked in parsed.columns:
        return groups_from_values(parsed.columns[asked], f"{path.name}, column {asked}", rows), f"column:{asked}", True
    file = Path(asked)
    if not asked or not file.exists():
        columns = ", ".join(parsed.columns) or "none"
        raise DataError(
            f"--groups {asked}: neither a file nor a column of {path.name} (further columns: {columns}); "
            f"give FILE, COLUMN, auto or none"
        )
    return groups_from_values(read_group_file(file, rows), file.name, rows), f"file:{file.name}", True


def _synthetic(source: FaceSource) -> FaceSet:
    if source.groups not in (AUTO, NONE):
        raise DataError(f"--groups {source.groups}: synthetic faces bring their own people; give --data FILE with it")
    faces = stored_synthetic_faces()
    if source.groups == AUTO:
        return faces
    return replace(faces, groups=np.arange(faces.rows, dtype=np.int64), grouping=NONE, people_known=False)
