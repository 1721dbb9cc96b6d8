"""What stands in the place of a stored file may be anything: a pipe is not waited for, and what is damaged is kept."""

import errno
from contextlib import suppress
from pathlib import Path


def read_regular(path: Path) -> bytes:
    """The contents of a regular file.

    Raises:
        OSError: it cannot be read, or is a pipe or device, which might keep us waiting for ever.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "no regular file", str(path))
    return path.read_bytes()


def set_aside(path: Path) -> None:
    """Keep a damaged file as ``NAME.damaged``, so that what takes its place hides nothing."""
    with suppress(OSError):  # it is packed, or the folder is not ours to change
        path.replace(path.with_name(f"{path.name}.damaged"))
