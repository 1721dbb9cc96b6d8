"""Opens a file of faces as one stream of lines: plain, gzip or zip, told by content and never by name."""

import gzip
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from bench.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK"
MAX_LINE_BYTES = 16_000_000
"""Longer than any row of 1024x1024x3 numbers and its points: what goes on beyond it is no row but a bomb."""
MOST_BLANK_LINES = 100
"""So many may end a file; a packed file could hold billions."""

BROKEN: tuple[type[Exception], ...] = (EOFError, OSError, RuntimeError, ValueError, IndexError, struct.error)
BROKEN += (zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What gzip and zipfile raise on damaged or encrypted archives, a name that is empty or no UTF-8 among it."""


@contextmanager
def open_lines(path: Path) -> Iterator[Iterator[bytes]]:
    """Yield the lines of a CSV, without their ends; decompressed as they are read.

    Raises:
        DataError: not there, no regular file, not readable, a damaged archive, a zip without exactly one CSV.
    """
    with ExitStack() as stack:
        stream = _open(path, stack)
        yield _lines(stream, path)


def _open(path: Path, stack: ExitStack) -> IO[bytes]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{path}: is a folder or a device, not a file; name the CSV itself")
        stream: IO[bytes] = stack.enter_context(path.open("rb"))
        magic = stream.read(2)
        stream.seek(0)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; check --data or --groups") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    if magic == GZIP_MAGIC:
        return cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=stream)))
    if magic == ZIP_MAGIC or path.suffix.lower() == ".zip":
        return _open_member(path, stream, stack)
    if path.suffix.lower() == ".gz" and magic:
        raise DataError(f"{path}: named .gz but holds no gzip data; unpack it again or rename it")
    return stream


def _open_member(path: Path, stream: IO[bytes], stack: ExitStack) -> IO[bytes]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(stream))
    except BROKEN as error:
        raise DataError(f"{path}: no sound zip ({error}); download it again") from error
    for name in archive.namelist():
        inside = PurePosixPath(name.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or ":" in name.partition("/")[0]:
            raise DataError(f"{path}: holds the path '{name}', which leads outside; do not trust this file")
    tables = [
        info
        for info in archive.infolist()
        if info.filename.lower().endswith(".csv") and not info.filename.startswith("__MACOSX/")
    ]
    if len(tables) != 1:
        found = ", ".join(info.filename for info in tables[:3]) or "none"
        raise DataError(f"{path}: must hold exactly one CSV, found {len(tables)} ({found}); unpack the one you mean")
    try:
        return stack.enter_context(archive.open(tables[0]))
    except BROKEN as error:
        raise DataError(f"{path}: cannot be unpacked ({error}); unpack it by hand") from error


def _lines(stream: IO[bytes], path: Path) -> Iterator[bytes]:
    number = 0
    while True:
        number += 1
        try:
            line = stream.readline(MAX_LINE_BYTES)
        except BROKEN as error:
            detail = str(error) or type(error).__name__
            raise DataError(f"{path}: breaks off in line {number} ({detail}); download it again") from error
        if not line:
            return
        if len(line) >= MAX_LINE_BYTES:
            raise DataError(f"{path}: line {number} is longer than {MAX_LINE_BYTES:,} bytes; this is no file of faces")
        if b"\0" in line:
            raise DataError(f"{path}: line {number} holds NUL bytes; save the file as plain UTF-8 text")
        line = line.rstrip(b"\r\n")
        if b"\r" in line:
            raise DataError(f"{path}: line {number} holds a lone carriage return; save the file with usual line ends")
        yield line
