"""Synthetic faces kept in the user's cache folder: drawn once, opened by every later process."""

import hashlib
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from bench.faces.cache import Cached, entry, opened, stored_set
from bench.faces.synthetic.face_maker import DEFAULT_PEOPLE, DEFAULT_ROWS, synthetic_faces


def stored_synthetic_faces(rows: int = DEFAULT_ROWS, people: int = DEFAULT_PEOPLE, seed: int = 0) -> Cached:
    """As :func:`synthetic_faces`, from the cache where the same sources drew them before.

    A damaged cache is drawn anew; a folder that cannot be written only costs time.

    Raises:
        DataError: no people, or fewer rows than people.
    """
    folder = entry(f"synthetic-{rows}-{people}-{seed}", _drawing_digest())
    found = opened(folder)
    if found is None:
        found = Cached(synthetic_faces(rows, people, seed), {})
        with suppress(OSError):
            found = stored_set(folder, found.faces)
    return found


def _drawing_digest() -> str:
    """Changes with whatever can change a pixel: the sources of this folder and numpy's version."""
    facts = hashlib.sha256(version("numpy").encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        facts.update(path.read_bytes())
    return facts.hexdigest()[:16]
