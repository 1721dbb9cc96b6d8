"""Finds the faces behind a leaderboard, for the page's gallery."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.faces.face_set import SYNTHETIC, FaceSet, FaceSource
from bench.faces.loading import load_faces

logger = logging.getLogger(__name__)

DATA_FOLDER = Path("data")


def find_pictures(dataset: Mapping[str, Any], data: Path | None) -> FaceSet | None:
    """The faces that the results were made from, or None where they are not at hand.

    Args:
        dataset: ``leaderboard.json``'s ``dataset``.
        data: the file that the user named; None looks in ``data/`` and the working directory for the file's name.

    Raises:
        DataError: the named file cannot be read. Whether it is the right one, the page checks.
    """
    if data is not None:
        return load_faces(FaceSource(data, "none"))
    for source in _default_sources(dataset):
        try:
            faces = load_faces(source)
        except DataError as error:
            logger.warning("no pictures in the report: %s", error)
            continue
        if faces.fingerprint == dataset["fingerprint"]:
            return faces
    return None


def _default_sources(dataset: Mapping[str, Any]) -> list[FaceSource]:
    if dataset["synthetic"]:
        return [FaceSource(SYNTHETIC, "none")]
    name = Path(str(dataset["name"])).name  # a record may hold anything; only a file name is looked for
    return [FaceSource(path, "none") for path in (DATA_FOLDER / name, Path(name)) if path.is_file()]
