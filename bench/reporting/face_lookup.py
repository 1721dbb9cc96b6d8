"""Finds the faces behind a leaderboard, for the page's gallery."""

import logging
from pathlib import Path

from bench.config.data import DataSettings
from bench.errors import ConfigError, DataError
from bench.faces.face_set import SYNTHETIC, FaceSet, FaceSource
from bench.faces.grouping import NONE
from bench.faces.loading import load_faces
from bench.records.schema import DatasetFacts

logger = logging.getLogger(__name__)

DATA_FOLDER = Path("data")


def find_pictures(dataset: DatasetFacts, data: Path | FaceSet | None) -> FaceSet | None:
    """The faces that the results were made from, or None where they are not at hand; see :func:`find_source`."""
    if isinstance(data, FaceSet):
        return data
    found = find_source(dataset, data)
    return found[1] if found is not None else None


def find_source(dataset: DatasetFacts, data: Path | None) -> tuple[FaceSource, FaceSet] | None:
    """Where the faces stand that the results were made from, and they themselves; None where they are not at hand.

    Args:
        dataset: of the board.
        data: the file that the user named, to be read as the dataset's scheme says; None looks in ``data/`` and the
            working directory for the file's or folder's name.

    Raises:
        DataError: the named file cannot be read. Whether it is the right one is for the caller to check.
        ConfigError: the named file lacks points of the scheme.
    """
    settings = DataSettings.of(dataset.scheme)
    if data is not None:
        source = FaceSource(data, NONE, settings)
        return source, load_faces(source)
    name = Path(dataset.name).name  # a record may hold anything; only what a file or folder can be called is looked for
    places = (DATA_FOLDER / name, Path(name)) if name not in ("", "..") else ()
    paths = [SYNTHETIC] if dataset.synthetic else [path for path in places if path.exists()]
    for path in paths:
        source = FaceSource(path, NONE, settings)
        try:
            faces = load_faces(source)
        except (DataError, ConfigError) as error:
            logger.warning("%s, from which the results were made, cannot be read: %s", dataset.name, error)
            continue
        if faces.fingerprint == dataset.fingerprint:
            return source, faces
    return None
