"""RMSE per keypoint as a table that shades what is far from the best."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.faces.keypoints import KEYPOINT_NAMES
from bench.reporting.subjects import Subject

SHADES = (1.1, 1.25, 1.5, 2.0)
"""Ratios to the best model at a keypoint from which a cell gets a darker shade."""


@dataclass(frozen=True)
class ShadedCell:
    """A number, its text, and its shade: 0 near the best .. 4 at twice the best or worse."""

    value: float | None
    text: str
    shade: int
    best: bool


@dataclass(frozen=True)
class KeypointLine:
    """One model's fifteen errors."""

    subject: Subject
    cells: tuple[ShadedCell, ...]


def keypoint_lines(subjects: Sequence[Subject]) -> tuple[KeypointLine, ...]:
    """A line per model with all its cells there."""
    shown = [each for each in subjects if each.ranked]
    best = {name: min(found, default=None) for name in KEYPOINT_NAMES if (found := _known(shown, name)) is not None}
    return tuple(
        KeypointLine(each, tuple(_cell(each.row["per_keypoint_rmse_px"][name], best[name]) for name in KEYPOINT_NAMES))
        for each in shown
    )


def head_words(name: str) -> list[str]:
    """``left_eye_inner_corner`` -> its words, for a narrow head."""
    return name.split("_")


def _known(subjects: Sequence[Subject], name: str) -> list[float]:
    values = (each.row["per_keypoint_rmse_px"][name] for each in subjects)
    return [float(value) for value in values if value is not None]


def _cell(value: float | None, best: float | None) -> ShadedCell:
    if value is None or best is None:
        return ShadedCell(None, "–", 0, best=False)
    shade = sum(value >= ratio * best for ratio in SHADES)
    return ShadedCell(value, f"{value:.2f}", shade, best=value == best)
