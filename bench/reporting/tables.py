"""Tables of plain text for the page, beside the ranking: facts, comparisons, errors per keypoint."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.reporting.board_facts import BoardRow
from bench.reporting.number_text import NOTHING, places

NUMBER = re.compile(r"[-+<]? ?\d[\d.,]*( (to|h|min|s|ms|[kMG])\b.*)?")
"""A number as these tables write it, with its unit, its spread or the sign of what it is below."""

SHADES = (1.1, 1.25, 1.5, 2.0)
"""Ratios to the best model at a keypoint from which a cell gets a darker shade."""
MOST_COLUMNS = 20
"""More keypoints than these stand below one another, with the models side by side."""


@dataclass(frozen=True)
class FactTable:
    """A table of text: the first column names the line.

    Attributes:
        name: an HTML id, ours.
        caption: what it holds.
        head: column names; empty for a two-column list of facts.
        lines: cells.
    """

    name: str
    caption: str
    head: tuple[str, ...]
    lines: Sequence[Sequence[str]]

    @property
    def numeric(self) -> tuple[bool, ...]:
        """By column: whether it holds numbers, which are set to the right; never in a list of facts."""
        return number_columns(self.lines) if self.head else (False, False)


def number_columns(lines: Sequence[Sequence[str]]) -> tuple[bool, ...]:
    """By column: whether every cell that holds something holds a number."""
    columns = [[text for text in column if text not in ("", NOTHING)] for column in zip(*lines, strict=True)]
    return tuple(bool(column) and all(map(NUMBER.fullmatch, column)) for column in columns)


def flat_facts(facts: Mapping[str, Any], prefix: str = "") -> tuple[tuple[str, str], ...]:
    """Nested facts as pairs of words; what is None is left out."""
    lines: list[tuple[str, str]] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            lines += flat_facts(value, f"{prefix}{name} ")
        elif value is not None:
            lines.append((f"{prefix}{name}".replace("_", " "), _text(value)))
    return tuple(lines)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or NOTHING
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


@dataclass(frozen=True)
class ShadedCell:
    """A number, its text, its shade (0 near the best .. 4 at twice the best or worse), and whose it is."""

    value: float | None
    text: str
    shade: int
    best: bool
    index: int


@dataclass(frozen=True)
class HeatTable:
    """Errors per keypoint. A head is the words of a name, beside the name itself.

    Attributes:
        corner: what the lines are: ``model``, or ``keypoint`` where there are many.
        heads: of the columns.
        lines: name of the line, index of its model (None where it is a keypoint), cells.
    """

    corner: str
    heads: Sequence[tuple[str, Sequence[str]]]
    lines: Sequence[tuple[str, int | None, Sequence[ShadedCell]]]


def heat_table(rows: Sequence[BoardRow], names: Sequence[str]) -> HeatTable | None:
    """Ranked rows by keypoints, or keypoints by rows where they are many; None without a ranked row."""
    shown = [row for row in rows if row.ranked]
    if not shown:
        return None
    by_point = {name: _cells(shown, name) for name in names}
    if len(names) > MOST_COLUMNS:
        heads = [(row.model, [row.model]) for row in shown]
        return HeatTable("keypoint", heads, [(name.replace("_", " "), None, cells) for name, cells in by_point.items()])
    lines = [(row.model, row.index, [by_point[name][place] for name in names]) for place, row in enumerate(shown)]
    return HeatTable("model", [(name, name.split("_")) for name in names], lines)


def _cells(rows: Sequence[BoardRow], name: str) -> list[ShadedCell]:
    values = [row.per_keypoint_rmse_px[name] for row in rows]
    best = min((value for value in values if value is not None), default=0.0)
    return [
        ShadedCell(
            value,
            places(2)(value),
            sum(value is not None and value >= ratio * best for ratio in SHADES),
            value == best,
            row.index,
        )
        for row, value in zip(rows, values, strict=True)
    ]
