"""Files that appear whole or not at all: temporary file in the same folder, fsync, ``os.replace``."""

import contextlib
import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from bench.processes.marks import is_left_behind, is_marked, mark

SUFFIX = ".part"
DEAD_S = 3600.0
"""No file takes an hour to write: a part that old was left behind, whoever wrote it."""


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Call ``write`` with a binary stream and put what it wrote at ``path`` in one step.

    A reader sees the old file or the new one, never a part; after any failure the old one still stands, and an
    OSError names ``path``: a full disk by itself names no file.
    """
    part = path.with_name(f".{mark()}{token_hex(4)}{SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep_beside(path.parent)
        with part.open("xb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # it may never have been made
            part.unlink()
        if isinstance(error, OSError):
            error.filename = str(path)
        raise
    _sync_folder(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` whole or not at all."""
    write_atomically(path, lambda stream: stream.write(content))


def write_text(path: Path, content: str) -> None:
    """Put UTF-8 text at ``path`` whole or not at all."""
    write_bytes(path, content.encode())


def sweep(folder: Path) -> None:
    """Remove the parts that killed processes left anywhere under ``folder``."""
    _remove_left_behind(folder.rglob(f".*{SUFFIX}"))


@cache
def _sweep_beside(folder: Path) -> None:
    """Once for each folder that this process writes into; it may be the user's, so without a mark nothing is ours."""
    _remove_left_behind(part for part in folder.glob(f".*{SUFFIX}") if is_marked(part))


def _remove_left_behind(parts: Iterable[Path]) -> None:
    for part in parts:
        with contextlib.suppress(OSError):  # another process sweeps too, or it is not ours to remove
            if is_left_behind(part, DEAD_S):
                part.unlink()


def _sync_folder(folder: Path) -> None:
    # The rename itself must reach the disk; Windows cannot open folders and does not need it.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
