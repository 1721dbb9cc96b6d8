"""The cache of faces: a file is parsed once, later starts map its pictures into memory."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bench.config.data import DataSettings
from bench.errors import DataError
from bench.faces.face_set import FaceSet
from bench.faces.grouping import NONE, near_duplicate_clusters
from bench.faces.opening import BROKEN
from bench.faces.photo_rows import PHOTO
from bench.faces.readers import kind_of
from bench.processes.marks import is_left_behind, mark
from bench.records.atomic import write_atomically, write_bytes
from bench.records.cache_folder import cache_folder
from bench.records.reading import read_regular
from bench.records.sealing import sealed_arrays, unsealed_arrays
from bench.scheme import SEED_SCHEME, Scheme

logger = logging.getLogger(__name__)

VERSION = 5
"""Counts up when a reader understands a file differently: older caches are then stale."""
UNDER_WAY = "parsing-"
ABANDONED_S = 24 * 3600.0
DAMAGED: tuple[type[Exception], ...] = (*BROKEN, KeyError, TypeError, AttributeError)
IMAGES, FACTS, CLUSTERS = "images.raw", "faces.npz", "clusters.npz"
"""Pictures are mapped, hence raw; an ``.npz`` is read whole, and sealed as records are."""


@dataclass(frozen=True)
class Cached:
    """A face set with what else its file says.

    Attributes:
        faces: pictures mapped read-only where they stand in a cache folder. Those of a file have no groups (``none``).
        columns: other named columns as text, N values each.
        folder: the cache folder that holds it; None where there is no cache.
    """

    faces: FaceSet
    columns: Mapping[str, list[str]]
    folder: Path | None = None


def parsed_file(path: Path, settings: DataSettings) -> Cached:
    """The parsed contents of ``path``, from the cache where it holds them, every byte as it was parsed.

    Args:
        path: the users' file or folder.
        settings: the ``[data]`` table.

    Raises:
        DataError: the file cannot be used.
        ConfigError: a setting does not fit it.
    """
    kind = kind_of(path)
    kind.refuse_unheeded(path, settings)
    try:
        state = kind.state(path, settings)
    except OSError:
        state = ""  # reading it will say what is wrong
    folder = entry(f"{os.path.realpath(path)}{settings.model_dump_json()}", state)
    cached = opened(folder)
    if cached is not None:
        return cached
    try:
        return _built(folder, lambda work: _parse_into(path, settings, work))
    except OSError as error:
        why = error.strerror
        logger.warning("cache folder %s cannot be written (%s): parsing anew each time", folder.parent, why)
    try:
        with tempfile.TemporaryDirectory(prefix=UNDER_WAY) as work:
            _parse_into(path, settings, Path(work))
            return _load(Path(work), mapped=False)
    except OSError as error:
        raise DataError(f"{path}: no room for its pictures in the temporary folder ({error.strerror})") from error


def stored_set(folder: Path, faces: FaceSet) -> Cached:
    """``faces``, groups included, kept in a cache folder.

    Raises:
        OSError: the cache cannot be written.
    """

    def fill(work: Path) -> None:
        write_atomically(work / IMAGES, faces.images.tofile)
        _write_facts(faces, {}, digest_of(faces.images, faces.keypoints, faces.scheme), work)

    return _built(folder, fill)


def faces_folder() -> Path:
    """Where all entries of the cache stand."""
    return cache_folder() / "faces"


def entry(place: str, state: str) -> Path:
    """The cache folder of what is read from ``place``; one of another ``state`` of it is removed when this is built."""
    parts = (place, f"{VERSION}:{state}")
    return faces_folder() / "-".join(hashlib.sha256(part.encode()).hexdigest()[:16] for part in parts)


def opened(folder: Path) -> Cached | None:
    """What a cache folder holds, or None where it is not there, damaged, or of another version."""
    try:
        return _load(folder)
    except DAMAGED:
        return None


def _built(folder: Path, fill: Callable[[Path], None]) -> Cached:
    """``fill`` a folder of its own and move it into place at once; what another process put there meanwhile is kept.

    Raises:
        OSError: the cache cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{UNDER_WAY}{mark()}", dir=folder.parent))
    try:
        fill(work)
        ready = opened(folder)
        if ready is not None:  # another process was quicker, and may have it mapped
            return ready
        shutil.rmtree(folder, ignore_errors=True)  # damaged, if there
        try:
            os.replace(work, folder)  # noqa: PTH105
        except OSError:
            if opened(folder) is None:  # not another process that was quicker
                raise
        _remove_stale(folder)
        return _load(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def remembered_clusters(cached: Cached) -> NDArray[np.int64]:
    """Near-duplicate clusters of the pictures, int64 (N,), faces of one photo in one: found once, then read from the
    cache."""
    if cached.folder is None:
        return near_duplicate_clusters(cached.faces.images, cached.columns.get(PHOTO, ()))
    file = cached.folder / CLUSTERS
    try:
        (clusters,) = unsealed_arrays(read_regular(file), "clusters")
        if clusters.shape == (cached.faces.rows,):
            return clusters
    except DAMAGED:
        pass  # not there, or damaged
    clusters = near_duplicate_clusters(cached.faces.images, cached.columns.get(PHOTO, ()))
    try:
        write_bytes(file, sealed_arrays({"clusters": clusters}))
    except OSError as error:
        logger.warning("cache folder %s cannot be written (%s): clusters are found anew", file.parent, error.strerror)
    return clusters


def digest_of(images: NDArray[np.uint8], keypoints: NDArray[np.float32], scheme: Scheme) -> str:
    """SHA-256 over pictures and keypoints, and over names and frame where they are not the default's.

    How pictures are mirrored and what an NME is divided by are questions of protocol, not of which faces these are.
    """
    digest = hashlib.sha256()
    for start in range(0, len(images), 1024):
        digest.update(np.ascontiguousarray(images[start : start + 1024]).data)
    digest.update(keypoints.astype("<f4").tobytes())
    if (scheme.names, scheme.dimensions) != (SEED_SCHEME.names, SEED_SCHEME.dimensions):
        digest.update(json.dumps([scheme.names, scheme.side_px, scheme.channels]).encode())
    return digest.hexdigest()


def _write_facts(faces: FaceSet, columns: Mapping[str, list[str]], sha256: str, work: Path) -> None:
    """Write everything but the pictures, which stand in ``work`` already; ``sha256`` as :func:`digest_of` tells it."""
    told = {name: value for name, value in vars(faces).items() if isinstance(value, str | bool)}
    facts = {
        "version": VERSION,
        "told": {**told, "scheme": faces.scheme.model_dump()},
        "columns": columns,
        "notes": faces.notes,
        "sha256": sha256,
    }
    text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    arrays = {"facts": text, "keypoints": faces.keypoints, "groups": faces.groups}
    write_bytes(work / FACTS, sealed_arrays(arrays))


def _parse_into(path: Path, settings: DataSettings, work: Path) -> None:
    points: list[NDArray[np.float32]] = []
    columns: dict[str, list[str]] = {}
    notes: list[str] = []
    rows = kind_of(path).read(path, settings, notes.append)
    scheme, first = next(rows)
    name = path.name or path.resolve().name

    def write(stream: BinaryIO) -> None:
        for _, row in chain([(scheme, first)], rows):
            stream.write(row.picture.reshape(scheme.picture_shape).data)
            points.append(row.points)
            for name, value in row.columns.items():
                columns.setdefault(name, []).append(value)

    write_atomically(work / IMAGES, write)
    keypoints = np.stack(points)
    refuse_unlabelled(keypoints, scheme, name)
    images = np.memmap(work / IMAGES, np.uint8, "r", shape=(len(points), *scheme.picture_shape))
    sha256 = digest_of(images, keypoints, scheme)
    alone = np.arange(len(points), dtype=np.int64)
    told = tuple(notes)
    faces = FaceSet(name, images, keypoints, alone, NONE, False, sha256[:16], scheme=scheme, notes=told)
    _write_facts(faces, columns, sha256, work)


def refuse_unlabelled(keypoints: NDArray[np.float32], scheme: Scheme, name: str) -> None:
    """Raise DataError where a point is labelled in no row of (N, K, 2)."""
    labelled = np.isfinite(keypoints).any(axis=(0, 2))
    if not labelled.all():
        first = scheme.names[int(np.argmin(labelled))]
        raise DataError(
            f"{name}: keypoint {first} is labelled in no row; nothing can be learnt or scored there "
            "(data.points names the others)"
        )


def _load(folder: Path, *, mapped: bool = True) -> Cached:
    """Open a folder; raises whatever a damaged file gives rise to, ValueError where a digest or a size is another."""
    text, keypoints, groups = unsealed_arrays(read_regular(folder / FACTS), "facts", "keypoints", "groups")
    facts: dict[str, Any] = json.loads(text.tobytes())
    if facts["version"] != VERSION:
        raise ValueError("of another version")
    scheme = Scheme(**facts["told"].pop("scheme"))
    shape = (len(keypoints), *scheme.picture_shape)
    images: NDArray[np.uint8] = np.memmap(folder / IMAGES, np.uint8, "r")
    images = images.reshape(shape) if mapped else np.array(images).reshape(shape)
    # A gigabyte a second or more: what a run trains on is what its fingerprint says.
    if digest_of(images, keypoints, scheme) != facts["sha256"]:
        raise ValueError("other pictures than were stored")
    for array in (images, keypoints, groups):
        array.flags.writeable = False
    notes = tuple(facts["notes"])
    faces = FaceSet(images=images, keypoints=keypoints, groups=groups, scheme=scheme, notes=notes, **facts["told"])
    return Cached(faces, facts["columns"], folder if mapped else None)


def _remove_stale(folder: Path) -> None:
    """Remove what the file of ``folder`` looked like earlier, and what parsing left behind when it was killed.

    A process that has an old cache mapped keeps what it has, or, on Windows, keeps it from being deleted.
    """
    place = folder.name.partition("-")[0]
    for other in folder.parent.iterdir():
        with suppress(OSError):  # moved or removed just now
            earlier = other.name.startswith(f"{place}-") and other != folder
            killed = other.name.startswith(UNDER_WAY) and is_left_behind(other, ABANDONED_S)
            if earlier or killed:
                shutil.rmtree(other, ignore_errors=True)
