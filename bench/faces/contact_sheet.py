"""A picture of the rows that deserve a look, with their labels drawn in."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from bench.faces.checks import Finding, unusual_distance
from bench.faces.face_set import FaceSet
from bench.faces.keypoints import FRAME_PX, KEYPOINT_NAMES
from bench.records.atomic import write_bytes

COLUMNS = 8
MOST_ROWS = 48
SCALE = 2
CAPTION_PX = 14
LEFT_COLOUR, RIGHT_COLOUR, MIDDLE_COLOUR = (86, 180, 233), (230, 159, 0), (0, 158, 115)
"""Colours of Okabe and Ito, told apart by colour-blind readers: subject's left, right, middle."""


def suspicious_rows(faces: FaceSet, findings: Sequence[Finding], most: int = MOST_ROWS) -> list[int]:
    """Row numbers from 0: those of the findings in turn, then the strangest labels until ``most`` are there."""
    rows: dict[int, None] = {}
    for place in range(most):
        for finding in findings:
            if place < len(finding.rows):
                rows.setdefault(int(finding.rows[place]) - 1)
    for row in np.argsort(-unusual_distance(faces), kind="stable"):
        rows.setdefault(int(row))
        if len(rows) >= most:
            break
    return list(rows)[:most]


def write_contact_sheet(faces: FaceSet, rows: Sequence[int], path: Path) -> None:
    """Draw ``rows`` (numbers from 0) with labels and row numbers (from 1) into a PNG."""
    cell = FRAME_PX * SCALE
    lines = -(-len(rows) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * cell, lines * (cell + CAPTION_PX)), "white")
    draw = ImageDraw.Draw(sheet)
    for place, row in enumerate(rows):
        left, top = place % COLUMNS * cell, place // COLUMNS * (cell + CAPTION_PX)
        face = Image.fromarray(np.ascontiguousarray(faces.images[row])).resize((cell, cell), Image.Resampling.BICUBIC)
        sheet.paste(face.convert("RGB"), (left, top))
        draw_points(draw, faces.keypoints[row], left, top)
        draw.text((left + 3, top + cell + 1), f"row {row + 1}", fill="black")
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    write_bytes(path, stream.getvalue())


def draw_points(draw: ImageDraw.ImageDraw, keypoints: np.ndarray, left: int, top: int) -> None:
    """Draw the labelled points of one face, (15, 2) in pixels, into a cell at ``left``, ``top``."""
    for name, (x, y) in zip(KEYPOINT_NAMES, keypoints, strict=True):
        if np.isfinite([x, y]).all():
            words = name.split("_")
            colour = LEFT_COLOUR if "left" in words else RIGHT_COLOUR if "right" in words else MIDDLE_COLOUR
            at_x, at_y = left + (x + 0.5) * SCALE, top + (y + 0.5) * SCALE
            draw.ellipse((at_x - 2, at_y - 2, at_x + 2, at_y + 2), fill=colour)
