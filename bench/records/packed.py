"""Records in a form to commit: files of a store, byte for byte, in zip files of under a megabyte; numbers only.

The same records always make the same zip files, and one more cell changes only the last file of its group. Whoever
reads them trusts nothing: a file that is damaged, too large or holds anything unexpected is named and passed over.
"""

import io
import logging
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from bench.records.atomic import write_bytes

logger = logging.getLogger(__name__)

FILE_BYTES = 1_000_000
"""No zip file is larger, written or read: small enough for any forge, and for a reader that checks before it opens."""
FULL_BYTES = FILE_BYTES // 2
"""A zip file that holds this much gets no further entry; an entry is shorter than the other half."""
ENTRY_BYTES = 400_000
"""A longer file of the store is cut into entries ``NAME``, ``NAME.1``, ``NAME.2`` ..."""
UNPACKED_BYTES = 64_000_000
"""What all entries of one zip file may hold together: text packs about tenfold, a bomb a thousandfold."""
DIRECTORY_BYTES = 200
"""What an entry takes beside its content, at most: its name stands twice."""
UNREADABLE = (OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)
"""What :mod:`zipfile` and numpy raise on a file that is damaged, encrypted, cut short or of a later kind."""

Place = tuple[Path, str]


class PackedFiles:
    """The files packed in one folder, by the names they have in a store; the folder is read at the first question."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.passed_over: list[Path] = []
        """Files that are not what they should be, once the folder was read."""

    def names(self) -> list[str]:
        """Names such as ``cells/plain_cnn-76533a/0d9de6a805554127.json``."""
        return list(self._places)

    def read(self, name: str) -> bytes | None:
        """The content of a file; None where it is not packed or its entries are damaged, which is logged."""
        entries = self._places.get(name, {})
        try:
            return b"".join(_entry(*entries[number]) for number in range(len(entries))) if entries else None
        except UNREADABLE as error:
            logger.warning("%s: %s is damaged and passed over (%s)", self.folder, name, type(error).__name__)
            return None

    @cached_property
    def _places(self) -> dict[str, dict[int, Place]]:
        found: dict[str, dict[int, Place]] = {}
        for path in sorted(self.folder.glob("*.zip")):
            try:
                for name, number, place in _listed(path):
                    found.setdefault(name, {}).setdefault(number, place)
            except UNREADABLE as error:
                logger.warning("%s: no packed records, passed over (%s)", path, error)
                self.passed_over.append(path)
        return found


def _listed(path: Path) -> list[tuple[str, int, Place]]:
    """Name, number and place of every entry; ValueError where the file is not one that :func:`write_packed` makes."""
    if not path.is_file():
        raise ValueError("no regular file")
    if path.stat().st_size > FILE_BYTES:
        raise ValueError(f"larger than {FILE_BYTES:,} bytes")
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if sum(entry.file_size for entry in entries) > UNPACKED_BYTES:
        raise ValueError(f"holds more than {UNPACKED_BYTES:,} bytes")
    found = []
    for entry in entries:
        match = re.fullmatch(r"([a-z]+/[\w/-]+\.(?:json|npz))(?:\.([1-9][0-9]{0,3}))?", entry.filename)
        if match is None or entry.compress_type != zipfile.ZIP_DEFLATED or entry.file_size > ENTRY_BYTES:
            raise ValueError(f"unexpected entry {entry.filename[:80]!r}")
        found.append((match[1], int(match[2] or 0), (path, entry.filename)))
    return found


def _entry(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive, archive.open(name) as stream:
        content = stream.read(ENTRY_BYTES + 1)
    if len(content) > ENTRY_BYTES:
        raise ValueError(f"{name} is longer than its directory says")
    return content


def write_packed(folder: Path, groups: Mapping[str, Mapping[str, bytes]]) -> list[Path]:
    """Write each group of files as ``GROUP.zip``, and ``GROUP.2.zip`` ... where one would be too large.

    Args:
        folder: where to; files that hold what they should already are left alone.
        groups: file names in the store and contents, by group; the order of a group is kept, so what is new should
            come last.

    Returns:
        The files, written whole or not at all. The last one of a group comes first, so that an entry which moves on
        is never in none of them.

    Raises:
        OSError: a file cannot be written.
    """
    paths = []
    for group, files in ((group, files) for group, files in groups.items() if files):
        for number, content in reversed(list(enumerate(_zipped(files), start=1))):
            path = folder / (f"{group}.zip" if number == 1 else f"{group}.{number}.zip")
            if not path.is_file() or path.read_bytes() != content:
                write_bytes(path, content)
            paths.append(path)
    return paths


def _zipped(files: Mapping[str, bytes]) -> Iterator[bytes]:
    stream = io.BytesIO()
    archive = zipfile.ZipFile(stream, "w")
    for name, content in files.items():
        for number, start in enumerate(range(0, len(content), ENTRY_BYTES)):
            if stream.tell() + DIRECTORY_BYTES * len(archive.infolist()) > FULL_BYTES:
                archive.close()
                yield stream.getvalue()
                stream = io.BytesIO()
                archive = zipfile.ZipFile(stream, "w")
            entry = zipfile.ZipInfo(f"{name}.{number}" if number else name)  # of 1980, always: no clock in the bytes
            entry.create_system = 3  # or Windows would write other bytes
            piece = content[start : start + ENTRY_BYTES]
            archive.writestr(entry, piece, zipfile.ZIP_DEFLATED, compresslevel=9)
    archive.close()
    yield stream.getvalue()
