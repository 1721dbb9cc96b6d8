"""A picture of the rows that deserve a look, with their labels drawn in."""

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from bench.faces.checks import Doubt, unusual_distance
from bench.faces.face_set import FaceSet
from bench.records.atomic import write_atomically
from bench.scheme import side_of

COLUMNS = 8
MOST_ROWS = 48
CELL_PX = 192
CAPTION_PX = 14
COLOURS = {"left": (86, 180, 233), "right": (230, 159, 0), None: (0, 158, 115)}
"""Colours of Okabe and Ito, told apart by colour-blind readers: subject's left, right, middle."""


def suspicious_rows(faces: FaceSet, doubts: Sequence[Doubt]) -> list[int]:
    """Rows from 0: those of the doubts in turn, then the strangest labels until 48 are there."""
    in_turn = zip_longest(*(doubt.row_index[:MOST_ROWS].tolist() for doubt in doubts))
    doubted = [row for turn in in_turn for row in turn if row is not None]
    strangest = np.argsort(-unusual_distance(faces), kind="stable").tolist()
    return list(dict.fromkeys([*doubted, *strangest]))[:MOST_ROWS]


def write_contact_sheet(faces: FaceSet, rows: Sequence[int], path: Path) -> None:
    """Draw ``rows`` (numbers from 0) with labels and row numbers (from 1) into a PNG."""
    lines = -(-len(rows) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL_PX, lines * (CELL_PX + CAPTION_PX)), "white")
    draw = ImageDraw.Draw(sheet)
    for place, row in enumerate(rows):
        left, top = place % COLUMNS * CELL_PX, place // COLUMNS * (CELL_PX + CAPTION_PX)
        face = Image.fromarray(np.ascontiguousarray(faces.images[row]))
        face = face.resize((CELL_PX, CELL_PX), Image.Resampling.BICUBIC)
        sheet.paste(face.convert("RGB"), (left, top))
        _draw_points(draw, faces, row, left, top)
        draw.text((left + 3, top + CELL_PX + 1), f"row {row + 1}", fill="black")
    write_atomically(path, lambda stream: sheet.save(stream, "PNG"))


def _draw_points(draw: ImageDraw.ImageDraw, faces: FaceSet, row: int, left: int, top: int) -> None:
    """Draw the labelled points of one row into a cell at ``left``, ``top``."""
    scale = CELL_PX / faces.scheme.side_px
    for name, (x, y) in zip(faces.scheme.names, faces.keypoints[row], strict=True):
        if np.isfinite([x, y]).all():
            colour = COLOURS[side_of(name)]
            at_x, at_y = left + (x + 0.5) * scale, top + (y + 0.5) * scale
            draw.ellipse((at_x - 2, at_y - 2, at_x + 2, at_y + 2), fill=colour)
