"""The columns of the page's ranking: what each shows, and the number it is sorted by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bench.reporting.figures.interval_cell import interval_cells
from bench.reporting.markdown import format_count, format_seconds
from bench.reporting.subjects import Subject

Row = Mapping[str, Any]
NOTHING = "–"


@dataclass(frozen=True)
class Column:
    """One sortable column.

    Attributes:
        label, hint: its head, and what it means in a sentence.
        value: the number that it is sorted by; None sorts last.
        text: how the value reads.
    """

    label: str
    hint: str
    value: Callable[[Row], float | None]
    text: Callable[[float], str]


@dataclass(frozen=True)
class Cell:
    """A cell's text and sorting number (empty where there is none)."""

    text: str
    value: str


@dataclass(frozen=True)
class Line:
    """A model's line of the table."""

    subject: Subject
    place: Cell
    interval: Markup
    interval_text: str
    cells: tuple[Cell, ...]
    flags: str
    opens_group: bool


@dataclass(frozen=True)
class RankingTable:
    """Columns that hold something, and the lines."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


def _field(name: str, factor: float = 1.0) -> Callable[[Row], float | None]:
    return lambda row: None if row[name] is None else float(row[name]) * factor


def _latency(name: str) -> Callable[[Row], float | None]:
    return lambda row: (row["latency_ms"] or {}).get(name)


COLUMNS: tuple[Column, ...] = (
    Column("RMSE px", "Root mean squared error over all labelled coordinates", _field("rmse_px"), "{:.3f}".format),
    Column("± folds", "Standard deviation of the RMSE over the folds", _field("rmse_px_fold_sd"), "{:.3f}".format),
    Column("NME %", "Mean point distance over the eye distance", _field("nme_percent"), "{:.2f}".format),
    Column("failed %", "Faces with NME above 10 %", _field("failure_rate", 100), "{:.2f}".format),
    Column("AUC", "Area under the cumulative error curve up to 10 % NME", _field("auc"), "{:.3f}".format),
    Column("p50 ms", "Median latency: one picture, one thread, forward pass", _latency("p50"), "{:.2f}".format),
    Column("p95 ms", "95th percentile of the same latency", _latency("p95"), "{:.2f}".format),
    Column("parameters", "All weights of the network", _field("parameters"), format_count),
    Column("MACs", "Multiply-accumulates of one forward pass", _field("macs"), format_count),
    Column("weights MB", "Size of the weights on disk", _field("weights_mb"), "{:.2f}".format),
    Column("memory MB", "Peak memory of a process that predicts", _field("peak_memory_mb"), "{:.0f}".format),
    Column("training", "Seconds of all cells together", _field("train_seconds"), format_seconds),
)


def ranking_table(subjects: Sequence[Subject]) -> RankingTable:
    """Lines in the order of the ranking; a column that no model fills is left out."""
    columns = tuple(each for each in COLUMNS if any(each.value(subject.row) is not None for subject in subjects))
    drawings = interval_cells(subjects)
    lines = []
    before: Subject | None = None
    for subject in subjects:
        opens = before is not None and before.row["tie_group"] != subject.row["tie_group"]
        lines.append(_line(subject, columns, drawings.get(subject.index, Markup()), opens))
        before = subject
    return RankingTable(columns, tuple(lines))


def _line(subject: Subject, columns: Sequence[Column], drawing: Markup, opens_group: bool) -> Line:
    rank, interval = subject.row["rank"], subject.interval_px
    return Line(
        subject=subject,
        place=Cell(NOTHING if rank is None else str(rank), "" if rank is None else str(rank)),
        interval=drawing,
        interval_text=NOTHING if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}",
        cells=tuple(_cell(each, subject.row) for each in columns),
        flags="; ".join(_shared_beginning("loses to ", subject.row["flags"])),
        opens_group=opens_group,
    )


def _shared_beginning(words: str, flags: Sequence[str]) -> list[str]:
    """Flags that begin with the same words in one: ``loses to knn, ridge``."""
    alike = words + ", ".join(flag.removeprefix(words) for flag in flags if flag.startswith(words))
    return list(dict.fromkeys(alike if flag.startswith(words) else flag for flag in flags))


def _cell(column: Column, row: Row) -> Cell:
    value = column.value(row)
    return Cell(NOTHING, "") if value is None else Cell(column.text(value), repr(float(value)))
