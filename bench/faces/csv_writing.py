"""Faces written in the users' format: the coordinates and the picture's numbers of each row."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from bench.faces.face_set import FaceSet
from bench.records.atomic import write_atomically, write_text


def write_faces(faces: FaceSet, path: Path) -> Path:
    """Write ``path``, and the people of its rows beside it as ``<stem>_people.csv``, each whole or not at all.

    Read again, the file gives the same pictures and keypoints, bit for bit.

    Returns:
        The file of people, for ``--groups``.
    """

    def write(stream: BinaryIO) -> None:
        stream.write((",".join([*faces.scheme.flat_names, "Image"]) + "\n").encode())
        for image, keypoints in zip(faces.images, faces.keypoints, strict=True):
            labelled = np.isfinite(keypoints)
            coordinates = ",".join(np.where(labelled, keypoints.astype(str), "").ravel().tolist())
            stream.write(f"{coordinates},{' '.join(map(str, image.ravel().tolist()))}\n".encode())

    people = path.with_name(f"{path.stem}_people.csv")
    write_atomically(path, write)
    write_text(people, "\n".join(["person", *map(str, faces.groups.tolist())]) + "\n")
    return people
