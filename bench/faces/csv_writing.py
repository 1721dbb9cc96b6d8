"""Faces written in the users' format: the coordinates and the picture's numbers of each row."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bench.config.data import DataSettings
from bench.errors import DataError
from bench.faces.csv_reading import point_names
from bench.faces.face_set import FaceSet
from bench.records.atomic import write_atomically, write_text
from bench.scheme import Scheme, scheme_of_names


def write_faces(faces: FaceSet, path: Path) -> Path:
    """Write ``path``, and the people of its rows beside it as ``<stem>_people.csv``, each whole or not at all.

    Returns:
        The file of people, for ``--groups``.
    """
    people = path.with_name(f"{path.stem}_people.csv")
    write_table(faces, path, {})
    write_text(people, "\n".join(["person", *map(str, faces.groups.tolist())]) + "\n")
    return people


def write_table(faces: FaceSet, path: Path, others: Mapping[str, Sequence[str]]) -> None:
    """Write ``path``, whole or not at all.

    Read again, the file gives the same pictures and keypoints, bit for bit.

    Args:
        faces: what is written.
        path: the CSV.
        others: what else is known of the rows: columns by name, N texts each.
    """

    def write(stream: BinaryIO) -> None:
        stream.write(_line([*faces.scheme.flat_names, *others, "Image"]))
        further = zip(*others.values(), strict=True) if others else ((),) * faces.rows
        for image, keypoints, texts in zip(faces.images, faces.keypoints, further, strict=True):
            labelled = np.isfinite(keypoints)
            coordinates = np.where(labelled, keypoints.astype(str), "").ravel().tolist()
            stream.write(_line([*coordinates, *texts, " ".join(map(str, image.ravel().tolist()))]))

    write_atomically(path, write)


def _line(fields: Iterable[str]) -> bytes:
    """One line of a CSV; quotes where a field needs them."""
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\n").writerow(fields)
    return line.getvalue().encode()


def settings_to_read(scheme: Scheme) -> list[str]:
    """What ``--set`` needs to say so that a CSV of this scheme is read as the scheme it is."""
    needed = []
    try:
        point_names(scheme.flat_names, DataSettings(), "")
    except DataError:
        needed.append("data.points=header")
    plain = scheme_of_names(scheme.names)
    said = DataSettings.of(scheme)
    if scheme.mirror != plain.mirror:
        needed.append(f"data.mirror={'false' if said.mirror is False else [list(pair) for pair in said.mirror or ()]}")
    if scheme.normaliser != plain.normaliser:
        pair = scheme.normaliser
        needed.append(f"data.normaliser={pair if isinstance(pair, str) else [list(side) for side in pair]}")
    return needed
