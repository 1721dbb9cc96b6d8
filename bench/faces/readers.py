"""The seam for kinds of files: a reader turns one kind into rows of a face set.

One more kind is one file with a generator ``read_x(path, settings, say)``, and one line in :data:`KINDS`. The generator
yields one :class:`Row` after the other, each with the :class:`Scheme` of the whole (the same one each time), made by
``settings.scheme(names, side_px, channels)`` from what the file tells, so that what the user says in ``[data]`` holds
for every kind. Kinds of whole photos share :class:`bench.faces.photo_rows.PhotoSet`, which cuts the faces out. Anything
that a reader does not understand is a DataError: one line that names the file, the row counted from 1, the value found
and what to do. What it takes for granted or leaves out it tells ``say``, a sentence each; it is kept with the faces and
shown whenever they are described. The cache keeps what was yielded, and reads again only when :attr:`Kind.state` has
changed; grouping, checks and training see rows, never where they are from.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.config.data import DataSettings
from bench.errors import ConfigError
from bench.faces import coco_reading, deeplabcut_reading, pts_reading
from bench.faces.csv_reading import read_csv
from bench.faces.face_set import Row
from bench.faces.photo_rows import Say
from bench.faces.picture_files import is_picture
from bench.faces.picture_folders import file_state, folder_state
from bench.scheme import Scheme

Reader = Callable[[Path, DataSettings, Say], Iterator[tuple[Scheme, Row]]]
PHOTO_SETTINGS = ("images", "crop", "margin", "first_pixel")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # in a folder that may not be read
        return False


def _state_of_file(path: Path, _: DataSettings) -> str:
    path.stat()  # one that is not there has no state
    return file_state(path)


def _read_csv(path: Path, settings: DataSettings, _: Say) -> Iterator[tuple[Scheme, Row]]:
    return read_csv(path, settings)


def _state_of_coco(path: Path, settings: DataSettings) -> str:
    folder = coco_reading.pictures_folder(path, settings)
    return f"{_state_of_file(path, settings)}:{folder_state(folder, is_picture)}"


def _state_of_deeplabcut(path: Path, _: DataSettings) -> str:
    project = deeplabcut_reading.project_file(path)
    return f"{folder_state(path, deeplabcut_reading.is_wanted)}:{file_state(project)}"


@dataclass(frozen=True)
class Kind:
    """One kind of file or folder.

    Attributes:
        takes: whether a path is of this kind, by name or by its first bytes; must not raise.
        read: its reader.
        state: changes whenever what the reader would yield changes: over every picture and annotation; raises OSError
            where it cannot be told. For a single file: its size, number and times.
        heeds: which settings of whole photos it heeds; others that are given are refused.
    """

    takes: Callable[[Path], bool]
    read: Reader
    state: Callable[[Path, DataSettings], str] = _state_of_file
    heeds: tuple[str, ...] = ()

    def refuse_unheeded(self, path: Path, settings: DataSettings) -> None:
        """Raise ConfigError where a setting is given that means nothing for this kind."""
        for key in PHOTO_SETTINGS:
            if getattr(settings, key) is not None and key not in self.heeds:
                option = "--images" if key == "images" else f"data.{key}"
                raise ConfigError(
                    f"{option}: means nothing for {path.name}, take it out; it is for whole photos"
                    + (" of a COCO file" if key == "images" else "")
                )


KINDS: tuple[Kind, ...] = (
    Kind(
        deeplabcut_reading.is_deeplabcut, deeplabcut_reading.read_deeplabcut, _state_of_deeplabcut, PHOTO_SETTINGS[1:]
    ),
    Kind(
        _is_folder,
        pts_reading.read_pts,
        lambda path, _: folder_state(path, pts_reading.is_wanted),
        PHOTO_SETTINGS[1:],
    ),
    Kind(coco_reading.is_coco, coco_reading.read_coco, _state_of_coco, PHOTO_SETTINGS),
    Kind(lambda _: True, _read_csv),
)
"""The first that takes a path reads it. Last stands the CSV (plain, gzip or zip): it says what is wrong with a file
that is none of the others."""


def kind_of(path: Path) -> Kind:
    """The kind of ``path``."""
    return next(kind for kind in KINDS if kind.takes(path))
