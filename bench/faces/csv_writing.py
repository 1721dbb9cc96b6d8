"""Faces written in the users' format: thirty coordinates and the grey values of each row."""

from pathlib import Path
from typing import BinaryIO

from bench.faces.face_set import FaceSet
from bench.faces.keypoints import flat_names
from bench.records.atomic import write_atomically, write_text


def write_faces(faces: FaceSet, path: Path) -> Path:
    """Write ``path``, and the people of its rows beside it as ``<stem>_people.csv``, each whole or not at all.

    Returns:
        The file of people, for ``--groups``.
    """

    def write(stream: BinaryIO) -> None:
        stream.write((",".join([*flat_names(), "Image"]) + "\n").encode())
        for image, keypoints in zip(faces.images, faces.keypoints, strict=True):
            coordinates = ",".join(f"{value:.3f}" for value in keypoints.ravel().tolist())
            stream.write(f"{coordinates},{' '.join(map(str, image.ravel().tolist()))}\n".encode())

    people = path.with_name(f"{path.stem}_people.csv")
    write_atomically(path, write)
    write_text(people, "\n".join(["person", *map(str, faces.groups.tolist())]) + "\n")
    return people
