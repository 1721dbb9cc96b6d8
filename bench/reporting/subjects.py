"""The leaderboard's rows as figures need them: numbered, classed, coloured once for the whole page."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLOURS = 8
"""Series that get a colour of their own; beyond that a reader cannot tell colours apart, and lines are grey."""


@dataclass(frozen=True)
class Subject:
    """One row of the leaderboard.

    Attributes:
        index: its place in the document; the only thing about it that enters ids and data attributes.
        row: the row itself.
        colour: 1 .. ``COLOURS`` for the best networks, 0 for the others.
        leads: whether it is a candidate that is not told apart from the best candidate.
    """

    index: int
    row: Mapping[str, Any]
    colour: int
    leads: bool

    @property
    def name(self) -> str:
        """What the user typed: escape it."""
        return str(self.row["model"])

    @property
    def is_gate(self) -> bool:
        """Whether it is a bar to clear and no candidate."""
        return bool(self.row["kind"] == "gate")

    @property
    def rmse_px(self) -> float | None:
        """Pooled error, None where no row could be scored."""
        value = self.row["rmse_px"]
        return None if value is None else float(value)

    @property
    def interval_px(self) -> tuple[float, float] | None:
        """95 % interval of the architecture's error."""
        found = self.row["rmse_px_ci95"]
        return (float(found[0]), float(found[1])) if found and None not in found else None

    @property
    def latency_p50_ms(self) -> float | None:
        """Median latency, None where it was not measured or too few samples carry it."""
        value = (self.row["latency_ms"] or {}).get("p50")
        return None if value is None else float(value)

    @property
    def ranked(self) -> bool:
        """Whether all its cells are there."""
        return self.row["rank"] is not None

    @property
    def letter(self) -> str:
        """Tie group: A is the best one."""
        group = self.row["tie_group"]
        return "" if group is None else group_letter(int(group))

    @property
    def class_name(self) -> str:
        """CSS class of its lines and marks."""
        if self.is_gate:
            return "gate"
        return f"s{self.colour}" if self.colour else "other"


def group_letter(group: int) -> str:
    """1 -> A .. 26 -> Z, then AA, AB ..."""
    letters = ""
    while group > 0:
        group, digit = divmod(group - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def subjects_of(rows: Sequence[Mapping[str, Any]], leading: Collection[str]) -> tuple[Subject, ...]:
    """Number the rows; the best ``COLOURS`` candidates get colours in the order of the ranking.

    Args:
        rows: of the leaderboard.
        leading: names of the candidates that are not told apart from the best candidate, itself included.
    """
    candidates = [index for index, row in enumerate(rows) if row["kind"] != "gate"]
    colour = {index: place for place, index in enumerate(candidates[:COLOURS], start=1)}
    return tuple(Subject(index, row, colour.get(index, 0), row["model"] in leading) for index, row in enumerate(rows))
