"""Synthetic faces kept in the user's cache folder: drawn once, opened by every later process."""

import contextlib
import hashlib
import logging
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bench.faces.face_set import FaceSet
from bench.faces.synthetic.face_maker import DEFAULT_PEOPLE, DEFAULT_ROWS, as_face_set, synthetic_faces
from bench.records.atomic import write_atomically
from bench.records.cache_folder import cache_folder

log = logging.getLogger(__name__)


def stored_synthetic_faces(rows: int = DEFAULT_ROWS, people: int = DEFAULT_PEOPLE, seed: int = 0) -> FaceSet:
    """As :func:`synthetic_faces`, from the cache where the same sources drew them before.

    A damaged file is drawn anew; a folder that cannot be written only costs time.

    Raises:
        DataError: no people, or fewer rows than people.
    """
    path = cache_folder() / f"synthetic-{_drawing_digest()}-{rows}-{people}-{seed}.npz"
    found = _read(path)
    if found is not None:
        return found
    faces = synthetic_faces(rows, people, seed)

    def write(stream: BinaryIO) -> None:
        np.savez(
            stream,
            images=faces.images,
            keypoints=faces.keypoints,
            groups=faces.groups,
            fingerprint=np.array(faces.fingerprint),
        )

    with contextlib.suppress(OSError):
        write_atomically(path, write)
    return faces


def _read(path: Path) -> FaceSet | None:
    if not path.is_file():
        return None
    try:
        # Opened here, since np.load leaves the file open when it is none of its own.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            faces = as_face_set(stored["images"], stored["keypoints"], stored["groups"])
            fingerprint = str(stored["fingerprint"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        log.warning("%s: damaged (%s); the faces are drawn anew", path.name, error)
        return None
    if faces.fingerprint != fingerprint:
        log.warning("%s: damaged (other pictures than were stored); the faces are drawn anew", path.name)
        return None
    return faces


def _drawing_digest() -> str:
    """Changes with whatever can change a pixel: the sources of this folder and numpy's version."""
    facts = hashlib.sha256(version("numpy").encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        facts.update(path.read_bytes())
    return facts.hexdigest()[:16]
