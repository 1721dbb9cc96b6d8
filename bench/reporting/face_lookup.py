"""Finds the faces behind a leaderboard, for the page's gallery."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.config.data import DataSettings
from bench.errors import DataError
from bench.faces.face_set import SYNTHETIC, FaceSet, FaceSource
from bench.faces.grouping import NONE
from bench.faces.loading import load_faces
from bench.scheme import Scheme

logger = logging.getLogger(__name__)

DATA_FOLDER = Path("data")


def find_pictures(dataset: Mapping[str, Any], data: Path | FaceSource | None) -> FaceSet | None:
    """The faces that the results were made from, or None where they are not at hand.

    Args:
        dataset: ``leaderboard.json``'s ``dataset``.
        data: what the run has read, or the file that the user named, to be read as the dataset's scheme says; None
            looks in ``data/`` and the working directory for the file's name.

    Raises:
        DataError: the named file cannot be read. Whether it is the right one, the page checks.
    """
    if isinstance(data, FaceSource):
        return load_faces(data.without_groups())
    settings = DataSettings.of(Scheme(**dataset["scheme"]))
    if data is not None:
        return load_faces(FaceSource(data, NONE, settings))
    for source in _default_sources(dataset, settings):
        try:
            faces = load_faces(source)
        except DataError as error:
            logger.warning("no pictures in the report: %s", error)
            continue
        if faces.fingerprint == dataset["fingerprint"]:
            return faces
    return None


def _default_sources(dataset: Mapping[str, Any], settings: DataSettings) -> list[FaceSource]:
    if dataset["synthetic"]:
        return [FaceSource(SYNTHETIC, NONE)]
    name = Path(str(dataset["name"])).name  # a record may hold anything; only a file name is looked for
    return [FaceSource(path, NONE, settings) for path in (DATA_FOLDER / name, Path(name)) if path.is_file()]
