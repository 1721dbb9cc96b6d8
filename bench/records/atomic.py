"""Files that appear whole or not at all: temporary file in the same folder, fsync, ``os.replace``."""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

SUFFIX = ".part"
DEAD_S = 3600.0
"""No file takes an hour to write: a part that old belongs to a process that was killed meanwhile."""


def write_atomically(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Call ``write`` with a binary stream and put what it wrote at ``path`` in one step.

    A reader sees the old file or the new one, never a part; after any failure the old one still stands, and an
    OSError names ``path``: a full disk by itself names no file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=SUFFIX, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101  (mkstemp made it private to the owner)
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)
        raise
    _sync_folder(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` whole or not at all."""

    def write(stream: BinaryIO) -> None:
        stream.write(content)

    write_atomically(path, write)


def write_text(path: Path, content: str) -> None:
    """Put UTF-8 text at ``path`` whole or not at all."""
    write_bytes(path, content.encode())


def sweep(folder: Path) -> None:
    """Remove the parts that killed processes left anywhere under ``folder``."""
    for part in folder.rglob(f".*{SUFFIX}"):
        with contextlib.suppress(OSError):  # another process sweeps too, or it is not ours to remove
            if time.time() - part.stat().st_mtime > DEAD_S:
                part.unlink()


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    # The rename itself must reach the disk; Windows cannot open folders and does not need it.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
