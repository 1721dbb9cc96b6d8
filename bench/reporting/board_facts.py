"""The leaderboard as types: what a row holds, and how each of its values is shown, once for all tables.

A value that a table shows carries its :class:`Column`: Markdown, terminal and page read their columns off
:data:`COLUMNS`; ``leaderboard.json`` and ``.csv`` hold every field by its name. Those names are a promise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bench.records.schema import DatasetFacts, FailureCause, Kind, ProtocolFacts
from bench.reporting.drawing import COLOURS, series_class
from bench.reporting.number_text import NOTHING, format_count, format_seconds, interval_text, places

LEADERBOARD_SCHEMA = 2
"""2: ``letters`` in place of ``tie_group``; floor and forecasts of :mod:`bench.comparing.floor`."""

Table = Literal["markdown", "terminal", "page"]
ALL: tuple[Table, ...] = ("markdown", "terminal", "page")
PAGE: tuple[Table, ...] = ("page",)


def rounded(value: float | None) -> float | None:
    """Six significant digits: enough for every reader, and equal on reruns that differ in the last bit of a sum."""
    return None if value is None or not np.isfinite(value) else float(f"{value:.6g}")


Number = Annotated[float | None, BeforeValidator(rounded)]
"""A measured number; None where it is not known."""


@dataclass(frozen=True)
class Column:
    """How a value of the row is shown.

    Attributes:
        heading: with the unit.
        hint: what it means, in a sentence; ``{normaliser}`` stands for what the data's NME is a share of.
        text: how the number reads.
        part: the number in a value that holds several.
        narrow: what tables of text write in its place, where they put more into one cell.
        tables: that show it.
        late: does not rank: on the page it comes after everything that does.
    """

    heading: str
    hint: str
    text: Callable[[Any], str] = str
    part: str | None = None
    narrow: "Callable[[BoardRow], str] | None" = None
    tables: tuple[Table, ...] = ALL
    late: bool = False


class Frozen(BaseModel):
    """Base of the board's parts."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


def _placed(row: "BoardRow") -> str:
    return NOTHING if row.rank is None else f"{row.rank} ({row.lettered})"


class BoardRow(Frozen):
    """One model. What is not measured is None, never a guess.

    Attributes:
        letters: two models share one exactly where this run does not tell them apart.
        loses_to: gates that are not worse on the rows that both predicted.
        leads: a candidate that is not told apart from the best candidate.
        latency_ms: batch 1, one thread, forward only; other settings stand in ``latencies``.
        index: its place on the board from 0: all that enters ids and data attributes of the page.
        place: its place among the candidates from 0; None for a gate.
    """

    rank: Annotated[int | None, Column("rank", "Place by error", narrow=_placed)] = None
    letters: tuple[str, ...] = ()
    model: Annotated[str, Column("model", "As it was typed")]
    kind: Kind = "network"
    rmse_px: Annotated[
        Number, Column("RMSE px", "Root mean squared error over all labelled coordinates", places(3))
    ] = None
    rmse_px_ci95: Annotated[
        tuple[Number, Number] | None,
        Column("95 % interval", "Of the architecture's RMSE: training variance included", interval_text),
    ] = None
    rmse_px_fold_sd: Annotated[
        Number,
        Column("fold SD px", "Standard deviation of the RMSE over the folds: no interval of its mean", places(3)),
    ] = None
    nme_percent: Annotated[Number, Column("NME %", "Mean point distance over the {normaliser}", places(2))] = None
    nme_rows_left_out: int = 0
    failure_rate: Annotated[
        Number,
        Column("failed %", "Rows with NME above 10 %", lambda share: f"{100 * share:.2f}", tables=PAGE, late=True),
    ] = None
    auc: Annotated[
        Number, Column("AUC", "Area under the cumulative error curve up to 10 % NME", places(3), tables=PAGE, late=True)
    ] = None
    per_keypoint_rmse_px: dict[str, Number] = Field(default_factory=dict)
    latency_ms: Annotated[
        dict[str, Any] | None,
        Column("latency ms", "Median: one picture, one thread, forward pass", places(2), "p50"),
        Column("p95 ms", "95th percentile of the same latency", places(2), "p95", tables=PAGE, late=True),
    ] = None
    parameters: Annotated[int | None, Column("parameters", "All weights of the network", format_count)] = None
    trainable_parameters: int | None = None
    macs: Annotated[int | None, Column("MACs", "Multiply-accumulates of one answer", format_count)] = None
    weights_mb: Annotated[
        Number, Column("weights MB", "Size of the weights on disk", places(2), tables=PAGE, late=True)
    ] = None
    latencies: list[dict[str, Any]] = Field(default_factory=list)
    throughput_images_per_s: Number = None
    peak_memory_mb: Annotated[
        Number, Column("memory MB", "Peak memory of a process that predicts", places(0), tables=PAGE, late=True)
    ] = None
    train_seconds: Annotated[Number, Column("training", "Seconds of all cells together", format_seconds, late=True)] = (
        None
    )
    train_images_per_s: Number = None
    train_precision: str | None = None
    recipe: dict[str, Any] | None = None
    epochs: int | None = None
    options: dict[str, Any] | None = None
    tuned: dict[str, Any] | None = None
    folds_done: int = 0
    seeds_done: int = 0
    pretrained: bool = False
    of_timm: bool = False
    loses_to: tuple[str, ...] = ()
    leads: bool = False
    flags: Annotated[tuple[str, ...], Column("flags", "What to know before believing it", ", ".join)] = ()
    index: int = Field(default=0, exclude=True)
    place: int | None = Field(default=None, exclude=True)

    @property
    def is_gate(self) -> bool:
        """Whether it is a bar to clear and no candidate."""
        return self.kind == "gate"

    @property
    def ranked(self) -> bool:
        """Whether it has all folds."""
        return self.rank is not None

    @property
    def interval_px(self) -> tuple[float, float] | None:
        """95 % interval of the architecture's error, where both ends are known."""
        low, high = self.rmse_px_ci95 or (None, None)
        return None if low is None or high is None else (low, high)

    @property
    def p50_ms(self) -> float | None:
        """Median latency, None where it was not measured or too few samples carry it."""
        return (self.latency_ms or {}).get("p50")

    @property
    def lettered(self) -> str:
        """Its letters in one word: ``AB``."""
        return ("" if all(len(letter) == 1 for letter in self.letters) else " ").join(self.letters)

    @property
    def coloured(self) -> bool:
        """Whether its series has a colour of its own: those of the best candidates."""
        return self.place is not None and self.place < COLOURS

    @property
    def class_name(self) -> str:
        """CSS class of its lines and marks."""
        return "gate" if self.place is None else series_class(self.place)

    def number(self, name: str, column: Column) -> Any:
        """The value that a column shows and is sorted by."""
        value = getattr(self, name)
        return value if column.part is None or value is None else value.get(column.part)

    def text(self, name: str, column: Column, table: Table) -> str:
        """How a table writes that value."""
        if column.narrow is not None and table != "page":
            return column.narrow(self)
        value = self.number(name, column)
        return NOTHING if value is None else column.text(value)


COLUMNS: tuple[tuple[str, Column], ...] = tuple(
    (name, column)
    for name, field in BoardRow.model_fields.items()
    for column in field.metadata
    if isinstance(column, Column)
)
"""The columns of all tables, each with the name of its field."""


def columns_of(table: Table) -> list[tuple[str, Column]]:
    """The columns that a table shows, in order; a page is too narrow for all, so that what ranks comes first there."""
    shown = [(name, column) for name, column in COLUMNS if table in column.tables]
    return sorted(shown, key=lambda named: named[1].late) if table == "page" else shown


def headings(table: Table) -> list[str]:
    """Their headings."""
    return [column.heading for _, column in columns_of(table)]


class Protocol(ProtocolFacts):
    """How the rows were scored; ``seeds`` is the most that any row was asked for."""

    seeds: int
    grouping: str


class Failure(Frozen):
    """A cell that failed; folds and seeds count from 0."""

    model: str
    fold: int
    seed: int
    cause: FailureCause | None
    reason: str | None
    attempts: int


class Left(Frozen):
    """A network that a race dropped after so many ``looks``: folds, or folds of all seeds so far; and why."""

    model: str
    looks: int
    reason: Literal["worse", "failed", "unpaid"]
    behind: str | None
    difference_px: Number
    interval_px: tuple[Number, Number] | None

    @property
    def text(self) -> str:
        """``left the race after 1 fold: 0.812 px (95 %: 0.60 to 1.02) behind resnet_custom``."""
        after = f"{self.looks} fold{'' if self.looks == 1 else 's'}"
        if self.reason == "unpaid":
            return f"the budget of the race paid for {after if self.looks else 'no fold'}"
        if self.reason == "failed":
            return f"left the race after {after}: a training failed"
        by = f"{places(3)(self.difference_px)} px (95 %: {interval_text(self.interval_px)})"
        return f"left the race after {after}: {by} behind {self.behind}"


class BoardFacts(Frozen):
    """The content of ``leaderboard.json``."""

    schema_version: int = Field(default=LEADERBOARD_SCHEMA, serialization_alias="schema")
    generated: str
    dataset: DatasetFacts
    protocol: Protocol
    machine: dict[str, Any]
    rows: tuple[BoardRow, ...]
    failed: tuple[Failure, ...]
    unlike_records: int
    unlike_latencies: int
    resolution_floor_px: Number
    weak_evidence: bool
    comparison: dict[str, Any]
    left_race: tuple[Left, ...] = ()
    cells_recorded: int = 0
    cells_verified: int = 0
    cells_contradicted: int = 0

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return self.model_dump(mode="json", by_alias=True)

    def cells(self, table: Table) -> list[list[str]]:
        """The rows of a table of text."""
        return [[row.text(name, column, table) for name, column in columns_of(table)] for row in self.rows]

    @property
    def ranked(self) -> tuple[BoardRow, ...]:
        """The rows that are ranked."""
        return tuple(row for row in self.rows if row.ranked)

    @property
    def candidates(self) -> tuple[BoardRow, ...]:
        """The ranked rows that are no gates, best first."""
        return tuple(row for row in self.ranked if not row.is_gate)
