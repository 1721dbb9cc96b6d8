"""The seam for kinds of files: a reader turns one kind into rows of a face set.

One more kind (.pts beside pictures, COCO, DeepLabCut) is one file with a generator ``read_x(path, settings)``, and one
line in :data:`KINDS`. The generator yields one :class:`Row` after the other, each with the :class:`Scheme` of the whole
(the same one each time), made by ``settings.scheme(names, side_px, channels)`` from what the file tells, so that what
the user says in ``[data]`` holds for every kind. Where its kind has pictures of many sizes, it resizes them itself, to
``settings.side_px``. Anything that it does not understand is a DataError: one line that names the file, the row counted
from 1, the value found and what to do; nothing is guessed. The cache keeps what was yielded, and reads again only when
:attr:`Kind.state` has changed; grouping, checks and training see rows, never where they are from.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.config.data import DataSettings
from bench.faces.csv_reading import read_csv
from bench.faces.face_set import Row
from bench.scheme import Scheme

Reader = Callable[[Path, DataSettings], Iterator[tuple[Scheme, Row]]]


def _file_state(path: Path) -> str:
    facts = path.stat()
    # The time of modification can be set, and is by whatever copies or unpacks; that of change cannot.
    return f"{facts.st_size}:{facts.st_mtime_ns}:{facts.st_ino}:{facts.st_ctime_ns}"


@dataclass(frozen=True)
class Kind:
    """One kind of file or folder.

    Attributes:
        takes: whether a path is of this kind, by name or by its first bytes; must not raise.
        read: its reader.
        state: changes whenever what the reader would yield changes; raises OSError where it cannot be told. For a
            single file: its size, number and times.
    """

    takes: Callable[[Path], bool]
    read: Reader
    state: Callable[[Path], str] = _file_state


KINDS: tuple[Kind, ...] = (Kind(takes=lambda _: True, read=read_csv),)
"""The first that takes a path reads it. Last stands the CSV (plain, gzip or zip): it says what is wrong with a file
that is none of the others."""


def kind_of(path: Path) -> Kind:
    """The kind of ``path``."""
    return next(kind for kind in KINDS if kind.takes(path))
