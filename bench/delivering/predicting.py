"""Keypoints of pictures: files in, coordinates in each picture's own pixels out."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.delivering.photos import Crop, Face, decode, draw_points, open_picture
from bench.errors import DataError, ModelError
from bench.faces.csv_reading import read_pictures
from bench.outside_text import escaped_json, spreadsheet_cell
from bench.records.atomic import write_text
from bench.scheme import Scheme

if TYPE_CHECKING:
    from bench.delivering.trained import Trained

SCHEMA = 2
TABLE_SUFFIXES = (".csv", ".gz", ".zip")
CONVENTION = (
    "pixels of the upright picture, x right, y down, pixel centres at integers; left and right are the subject's"
)


@dataclass(frozen=True)
class Prediction:
    """A face with its points, float32 (K, 2) in pixels of its picture."""

    face: Face
    points: NDArray[np.float32]

    def as_json(self, names: Sequence[str]) -> dict[str, Any]:
        """The entry of this face in ``predictions.json``; ``names`` are those of the points."""
        return {
            "file": self.face.file.name,
            "row": self.face.row,
            "name": self.face.name,
            "width": self.face.size[0],
            "height": self.face.size[1],
            "crop": list(self.face.crop),
            "keypoints": {
                name: [round(float(x), 3), round(float(y), 3)] for name, (x, y) in zip(names, self.points, strict=True)
            },
        }


def read_faces(files: Sequence[Path], scheme: Scheme, crop: Crop | None) -> list[Face]:
    """Open every file before anything is predicted, so that a bad one is told at once.

    Args:
        files: pictures, and tables of faces.
        scheme: that of the weights; its frame is what a picture's crop is scaled to and what a table must hold.
        crop: where the face is in each picture; None = the centre square.

    Raises:
        DataError: a file that is no picture and no table of faces.
    """
    return [face for file in files for face in _faces_of(file, scheme, crop)]


def faces_of_frames(frames: NDArray[np.uint8], scheme: Scheme) -> list[Face]:
    """Faces of frames as a network takes them, uint8 (N, *picture_shape); rows count from 1.

    Raises:
        DataError: another shape or type.
    """
    if frames.dtype != np.uint8 or frames.shape[1:] != scheme.picture_shape:
        raise DataError(f"pictures: {frames.dtype} {frames.shape}, expected uint8 {('N', *scheme.picture_shape)}")
    return _rows(Path("array"), frames, [None] * len(frames), scheme)


def _faces_of(file: Path, scheme: Scheme, crop: Crop | None) -> list[Face]:
    if file.suffix.lower() in TABLE_SUFFIXES:
        if crop is not None:
            raise DataError(f"{file}: --crop is for pictures; the rows of a table are frames already")
        return _rows(file, *read_pictures(file, scheme), scheme)
    return [open_picture(file, scheme, crop)]


def _rows(file: Path, frames: NDArray[np.uint8], names: Sequence[str | None], scheme: Scheme) -> list[Face]:
    """Faces of frames that are cropped already, so the whole frame is the crop."""
    size = (scheme.side_px, scheme.side_px)
    rows = enumerate(zip(frames, names, strict=True), start=1)
    return [Face(file, row, name, size, Crop(0, 0, *size), frame) for row, (frame, name) in rows]


def predict_faces(trained: "Trained", faces: Sequence[Face], precision: str = "float32") -> list[Prediction]:
    """Run the network over all faces, in batches, in ``float32`` or ``bfloat16``.

    Raises:
        ModelError: the weights give no numbers.
    """
    import torch

    from bench.training.loop import predict

    scheme = trained.facts.scheme
    frames = torch.from_numpy(np.stack([face.frame for face in faces]))
    points = predict(trained.predictor(precision), frames)
    if not np.isfinite(points).all():
        raise ModelError(f"weights {trained.file}: they answer with numbers that are none; fit the network again")
    return [
        Prediction(face, face.crop.to_picture(each, scheme.side_px)) for face, each in zip(faces, points, strict=True)
    ]


def as_document(trained: "Trained", predictions: Sequence[Prediction]) -> dict[str, Any]:
    """What ``predictions.json`` holds."""
    return {
        "schema": SCHEMA,
        "model": trained.facts.model,
        "weights": trained.file.name,
        "coordinates": CONVENTION,
        "pictures": [one.as_json(trained.facts.scheme.names) for one in predictions],
    }


def write_json(target: Path, document: dict[str, Any]) -> None:
    """Write the document whole or not at all."""
    write_text(target, escaped_json(document, indent=1) + "\n")


def as_table(predictions: Sequence[Prediction], scheme: Scheme) -> tuple[list[str], list[list[Any]]]:
    """Column names, and one line per face: file, row, name, crop, then the coordinates under their usual names."""
    lines = []
    for one in predictions:
        face = one.face
        origin = [face.file.name, face.row, face.name, *face.crop]
        lines.append([*origin, *(round(float(value), 3) for value in one.points.ravel())])
    return ["file", "row", "name", "crop_x", "crop_y", "crop_width", "crop_height", *scheme.flat_names], lines


def write_csv(target: Path, predictions: Sequence[Prediction], scheme: Scheme) -> None:
    """Write :func:`as_table`."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    header, lines = as_table(predictions, scheme)
    writer.writerow(map(spreadsheet_cell, header))
    for file, row, name, *numbers in lines:
        crop, points = numbers[:4], [f"{value:.3f}" for value in numbers[4:]]
        writer.writerow([spreadsheet_cell(file), row, spreadsheet_cell(name or ""), *crop, *points])
    write_text(target, stream.getvalue())


def draw_predictions(folder: Path, predictions: Sequence[Prediction]) -> list[Path]:
    """Draw the points of every face into ``folder``; the paths written."""
    from PIL import Image

    written: list[Path] = []
    taken: set[str] = set()
    for one in predictions:
        face = one.face
        image = Image.fromarray(face.frame) if face.row is not None else decode(face.file)
        stem = face.file.name.split(".")[0] + (f"-row{face.row}" if face.row is not None else "")
        name, number = f"{stem}-points.png", 2
        while name in taken:
            name, number = f"{stem}-points-{number}.png", number + 1
        taken.add(name)
        draw_points(image, face.crop, one.points, folder / name)
        written.append(folder / name)
    return written
