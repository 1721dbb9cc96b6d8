"""The parsed cache: a file of faces is decoded once, later starts map it into memory."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.faces.grouping import near_duplicate_clusters
from bench.faces.keypoints import FRAME_PX, KEYPOINT_NAMES, KEYPOINTS
from bench.faces.reading import points_shape, read_rows
from bench.records.atomic import write_bytes
from bench.records.cache_folder import cache_folder

logger = logging.getLogger(__name__)

VERSION = 3
"""Counts up when the reader understands a file differently: older caches are then stale."""
SAMPLED_ROWS = 16
SEAL_BYTES = 32
UNDER_WAY = "parsing-"
ABANDONED_S = 24 * 3600.0
IMAGES, POINTS, FACTS, CLUSTERS = "images.raw", "keypoints.raw", "facts.json", "clusters.raw"


@dataclass(frozen=True)
class Parsed:
    """A file after parsing.

    Attributes:
        images: uint8 (N, 96, 96), mapped read-only.
        keypoints: float32 (N, 15, 2) in pixels, NaN = not labelled, read-only.
        columns: other named columns as text, N values each.
        fingerprint: digest over pictures and keypoints.
        folder: the cache folder that holds it; None where there is no cache.
    """

    images: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    columns: Mapping[str, list[str]]
    fingerprint: str
    folder: Path | None = None


def parsed_file(path: Path, *, verify: bool = False) -> Parsed:
    """The parsed contents of ``path``, from the cache where it holds them.

    Args:
        path: the users' file.
        verify: read every byte of the cache against its digest; otherwise sizes, the points and a sample of rows.

    Raises:
        DataError: the file cannot be used.
    """
    folder = _folder_of(path)
    if folder is not None:
        cached = _open(folder, verify)
        if cached is not None:
            return cached
        try:
            return _build(path, folder)
        except OSError as error:
            why = error.strerror
            logger.warning("cache folder %s cannot be written (%s): parsing anew each time", folder.parent, why)
    try:
        return _build(path, None)
    except OSError as error:
        raise DataError(f"{path}: no room for its pictures in the temporary folder ({error.strerror})") from error


def remembered_clusters(parsed: Parsed) -> NDArray[np.int64]:
    """Near-duplicate clusters of the pictures, int64 (N,): found once, then read from the cache."""
    if parsed.folder is None:
        return near_duplicate_clusters(parsed.images)
    file = parsed.folder / CLUSTERS
    try:
        content = file.read_bytes()
    except OSError:
        content = b""
    seal, labels = content[:SEAL_BYTES], content[SEAL_BYTES:]
    if len(labels) == 8 * len(parsed.images) and hashlib.sha256(labels).digest() == seal:
        return np.frombuffer(labels, "<i8").astype(np.int64)
    clusters = near_duplicate_clusters(parsed.images)
    labels = clusters.astype("<i8").tobytes()
    try:
        write_bytes(file, hashlib.sha256(labels).digest() + labels)
    except OSError as error:
        logger.warning("cache folder %s cannot be written (%s): clusters are found anew", file.parent, error.strerror)
    return clusters


def _folder_of(path: Path) -> Path | None:
    try:
        facts = path.stat()
    except OSError:
        return None  # reading it will say what is wrong
    place, state = str(path.resolve()), f"{VERSION}:{facts.st_size}:{facts.st_mtime_ns}"
    name = "-".join(hashlib.sha256(part.encode()).hexdigest()[:16] for part in (place, state))
    return cache_folder() / "faces" / name


def _remove_stale(folder: Path) -> None:
    """Remove what the file of ``folder`` looked like earlier, and what parsing left behind when it was killed.

    A process that has an old cache mapped keeps what it has, or, on Windows, keeps it from being deleted.
    """
    earlier = [other for other in folder.parent.glob(f"{folder.name.partition('-')[0]}-*") if other != folder]
    for other in [*earlier, *filter(_is_abandoned, folder.parent.glob(f"{UNDER_WAY}*"))]:
        shutil.rmtree(other, ignore_errors=True)


def _is_abandoned(work: Path) -> bool:
    try:
        return time.time() - work.stat().st_mtime > ABANDONED_S
    except OSError:  # finished just now
        return False


def _build(path: Path, folder: Path | None) -> Parsed:
    """Parse into a folder of its own and move it into place at once; without ``folder``, into memory alone."""
    if folder is not None:
        folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=UNDER_WAY, dir=folder.parent if folder is not None else None))
    try:
        facts = _parse_into(path, work)
        if folder is None:
            return _load(work, facts, mapped=False)
        ready = _open(folder, verify=True)
        if ready is not None:  # another process was quicker, and may have it mapped
            return ready
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)  # damaged: _open refused it
        try:
            os.replace(work, folder)  # noqa: PTH105
        except OSError:
            if _open(folder, verify=False) is None:  # not another process that was quicker
                raise
        parsed = _load(folder, facts, mapped=True)
        _remove_stale(folder)
        return parsed
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _parse_into(path: Path, work: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    points: list[NDArray[np.float32]] = []
    columns: dict[str, list[str]] = {}
    with (work / IMAGES).open("wb") as stream:
        for layout, row in read_rows(path):
            content = row.picture.tobytes()
            stream.write(content)
            digest.update(content)
            points.append(row.points)
            for name, value in zip(layout.others, row.others, strict=True):
                columns.setdefault(name, []).append(value)
        _sync(stream)
    keypoints = points_shape(np.stack(points).astype("<f4"))
    _refuse_unlabelled(keypoints, path.name)
    digest.update(keypoints.tobytes())
    with (work / POINTS).open("wb") as stream:
        stream.write(keypoints.tobytes())
        _sync(stream)
    facts = {
        "version": VERSION,
        "rows": len(points),
        "sha256": digest.hexdigest(),
        "points_sha256": hashlib.sha256(keypoints.tobytes()).hexdigest(),
        "sample_sha256": _sample_digest(np.memmap(work / IMAGES, np.uint8, "r").reshape(len(points), -1)),
        "columns": columns,
    }
    text = json.dumps(facts)
    with (work / FACTS).open("wb") as stream:
        stream.write(json.dumps({"facts": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}).encode())
        _sync(stream)
    return facts


def _refuse_unlabelled(keypoints: NDArray[np.float32], name: str) -> None:
    labelled = np.isfinite(keypoints).any(axis=(0, 2))
    if not labelled.all():
        first = KEYPOINT_NAMES[int(np.argmin(labelled))]
        raise DataError(f"{name}: keypoint {first} is labelled in no row; nothing can be learnt or scored there")


def _sync(stream: IO[bytes]) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _sample_digest(rows: NDArray[np.uint8]) -> str:
    # No np.unique: it would load numpy.ma first, which takes longer than all the rest of a warm start.
    chosen = sorted({round(place) for place in np.linspace(0, len(rows) - 1, SAMPLED_ROWS).tolist()})
    return hashlib.sha256(np.ascontiguousarray(rows[chosen]).tobytes()).hexdigest()


def _open(folder: Path, verify: bool) -> Parsed | None:
    """What a cache folder holds, or None where it is not there, damaged, or of another version."""
    try:
        sealed = json.loads((folder / FACTS).read_bytes())
        text = sealed["facts"]
        if hashlib.sha256(text.encode()).hexdigest() != sealed["sha256"]:
            return None
        facts = json.loads(text)
        if facts["version"] != VERSION:
            return None
        parsed = _load(folder, facts, mapped=True)
        sound = hashlib.sha256(parsed.keypoints.tobytes()).hexdigest() == facts["points_sha256"]
        sound = sound and _sample_digest(parsed.images.reshape(facts["rows"], -1)) == facts["sample_sha256"]
        if verify:
            sound = sound and _whole_digest(parsed) == facts["sha256"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return parsed if sound else None


def _whole_digest(parsed: Parsed) -> str:
    digest = hashlib.sha256()
    for part in _blocks(parsed.images):
        digest.update(np.ascontiguousarray(part).tobytes())
    digest.update(parsed.keypoints.tobytes())
    return digest.hexdigest()


def _blocks(images: NDArray[np.uint8], rows: int = 1024) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(images), rows):
        yield images[start : start + rows]


def _load(folder: Path, facts: Mapping[str, Any], *, mapped: bool) -> Parsed:
    rows = facts["rows"]
    shape = (rows, FRAME_PX, FRAME_PX)
    if mapped:
        if (folder / IMAGES).stat().st_size != rows * FRAME_PX * FRAME_PX:
            raise ValueError("images of another size")
        images: NDArray[np.uint8] = np.memmap(folder / IMAGES, np.uint8, "r", shape=shape)
    else:
        images = np.fromfile(folder / IMAGES, np.uint8).reshape(shape)
    keypoints = np.fromfile(folder / POINTS, "<f4").astype(np.float32).reshape(rows, KEYPOINTS, 2)
    images.flags.writeable = False
    keypoints.flags.writeable = False
    return Parsed(images, keypoints, facts["columns"], str(facts["sha256"])[:16], folder if mapped else None)
