"""Circumstances as tables of plain text: data, protocol, machine, recipes, every latency setting."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.reporting.subjects import Subject

NOTHING = "–"
NUMBER = re.compile(r"[-+<]? ?\d[\d.,]*( (to|h|min|s|ms|[kMG])\b.*)?")
"""A number as these tables write it, with its unit, its spread or the sign of what it is below."""


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
    lines: tuple[tuple[str, ...], ...]

    @property
    def numeric(self) -> tuple[bool, ...]:
        """By column: whether it holds numbers, which are set to the right; never in a list of facts."""
        return number_columns(self.lines) if self.head else (False, False)


def number_columns(lines: Sequence[Sequence[str]]) -> tuple[bool, ...]:
    """By column: whether every cell that holds something holds a number."""
    columns = [[text for text in column if text not in ("", NOTHING)] for column in zip(*lines, strict=True)]
    return tuple(bool(column) and all(map(NUMBER.fullmatch, column)) for column in columns)


def circumstances(document: Mapping[str, Any], subjects: Sequence[Subject]) -> list[FactTable]:
    """Data, protocol, machine and recipes; tables with nothing in them are left out."""
    tables = [
        FactTable("facts-data", "Data", (), _flat(document["dataset"])),
        FactTable("facts-protocol", "Protocol", (), _flat(document["protocol"])),
        FactTable("facts-machine", "Machine and software", (), _flat(document["machine"])),
        *_recipes(subjects),
    ]
    return [table for table in tables if table.lines]


def latency_settings(subjects: Sequence[Subject]) -> FactTable | None:
    """Every setting that was timed on the machine of the report."""
    lines = [(subject.name, *_latency_line(each)) for subject in subjects for each in subject.row["latencies"] or ()]
    head = (
        "model", "runtime", "device", "precision", "threads", "batch", "timed",
        "p50 ms", "95 % interval", "p95 ms", "p99 ms", "samples", "images/s", "",
    )  # fmt: skip
    return FactTable("latency-settings", "Latency in every setting", head, tuple(lines)) if lines else None


def _latency_line(entry: Mapping[str, Any]) -> tuple[str, ...]:
    interval = entry.get("p50_ci95")
    return (
        str(entry["runtime"]),
        str(entry["device"]),
        str(entry["precision"]),
        str(entry["threads"]),
        str(entry["batch"]),
        "picture to pixels" if entry["end_to_end"] else "forward pass",
        _fixed(entry["p50"], 2),
        NOTHING if not interval else f"{interval[0]:.2f} to {interval[1]:.2f}",
        _fixed(entry["p95"], 2),
        _fixed(entry["p99"], 2),
        str(entry["samples"]),
        _fixed(entry.get("throughput_images_per_s"), 0),
        "unstable" if entry.get("unstable") else "",
    )


def _recipes(subjects: Sequence[Subject]) -> list[FactTable]:
    """What all recipes share, once; then, per model, only what differs."""
    recipes = {each.name: _flat(each.row["recipe"]) for each in subjects if each.row["recipe"]}
    if not recipes:
        return []
    shared = [pair for pair in next(iter(recipes.values())) if all(pair in found for found in recipes.values())]
    tables = [FactTable("facts-recipe", "Recipe that every network shares", (), tuple(shared))]
    lines = [
        (each.name, *_own_settings(each, [pair for pair in recipes.get(each.name, ()) if pair not in shared]))
        for each in subjects
        if each.name in recipes
    ]
    if any(own != NOTHING or tuned != NOTHING for _, own, tuned in lines):
        head = ("model", "its own recipe and options", "tuned")
        tables.append(FactTable("facts-own", "What differs between networks", head, tuple(lines)))
    return tables


def _own_settings(subject: Subject, pairs: Sequence[tuple[str, ...]]) -> tuple[str, str]:
    own = [*pairs, *_flat(subject.row["options"] or {})]
    if subject.row["pretrained"]:
        own.append(("pretrained", "yes"))
    tuned = _flat(subject.row["tuned"] or {})
    return (_joined(own), _joined(tuned))


def _joined(pairs: Sequence[tuple[str, ...]]) -> str:
    return "; ".join(f"{name} {value}" for name, value in pairs) or NOTHING


def _flat(facts: Mapping[str, Any], prefix: str = "") -> tuple[tuple[str, str], ...]:
    lines: list[tuple[str, str]] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            lines += _flat(value, f"{prefix}{name} ")
        elif value is not None:
            lines.append((f"{prefix}{name}".replace("_", " "), _text(value)))
    return tuple(lines)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or NOTHING
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _fixed(value: float | None, places: int) -> str:
    return NOTHING if value is None else f"{value:.{places}f}"
