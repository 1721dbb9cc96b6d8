"""Walks a folder of pictures and annotations, and tells when anything in it has changed."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path, PurePath

from bench.errors import DataError
from bench.faces.picture_files import contained
from bench.outside_text import CONTROL, printable

MOST_FILES = 1_000_000
MOST_ANNOTATION_BYTES = 500_000_000


def files_below(folder: Path, wanted: Callable[[str], bool]) -> list[Path]:
    """Files below ``folder`` whose name is ``wanted``, in order of their paths; links to folders are not followed.

    Raises:
        DataError: there are more than a million, or a name holds what no line of text can.
        OSError: a folder cannot be read.
    """

    def fail(error: OSError) -> None:
        raise error

    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=fail):
        folders.sort()
        for name in sorted(filter(wanted, names)):
            refuse_odd_name(name, folder.name)
            found.append(Path(place) / name)
        if len(found) > MOST_FILES:
            raise DataError(f"{folder.name}: more than {MOST_FILES:,} files; name a smaller folder")
    return found


def refuse_odd_name(name: str, where: str) -> None:
    """Raise DataError where a name cannot stand in a line of a table."""
    if CONTROL.search(name) or "\n" in name or "\t" in name:
        raise DataError(
            f"{where}: the name '{printable(' '.join(name.split()))}' holds odd characters; rename the file"
        )


def folder_state(folder: Path, wanted: Callable[[str], bool]) -> str:
    """Digest over place, size, number and times of every wanted file below ``folder``.

    Raises:
        DataError, OSError: as :func:`files_below`.
    """
    digest = hashlib.sha256(os.fsencode(os.path.realpath(folder)))
    for path in files_below(folder, wanted):
        digest.update(os.fsencode(path.relative_to(folder)) + f":{file_state(path)}\n".encode())
    return digest.hexdigest()


def file_state(path: Path) -> str:
    """Changes whenever a file does: its size, number and times, of a link's target too."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return "leads nowhere"  # reading it will say so
    # The time of modification can be set, and is by whatever copies or unpacks; that of change cannot.
    return f"{facts.st_size}:{facts.st_mtime_ns}:{facts.st_ino}:{facts.st_ctime_ns}"


def read_annotation(path: Path, root: Path | None = None, most_bytes: int = MOST_ANNOTATION_BYTES) -> bytes:
    """The bytes of a file of labels, which must not lie outside ``root`` where there is one.

    Raises:
        DataError: no regular file, outside, cannot be read, or larger than any such file.
    """
    if root is not None:
        path = contained(path, root, path.name, "file")
    try:
        if not path.is_file():
            raise DataError(f"{path.name}: is no regular file; name the annotations themselves")
        with path.open("rb") as stream:
            content = stream.read(most_bytes + 1)
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read ({error.strerror}); check its permissions") from error
    if len(content) > most_bytes:
        raise DataError(f"{path.name}: larger than {most_bytes:,} bytes; this is no file of labels")
    return content


def shown_place(path: PurePath, root: PurePath) -> str:
    """A file's place below ``root``, with slashes."""
    return path.relative_to(root).as_posix()
