"""Circumstances as tables of plain text: data, protocol, machine, recipes, every latency setting."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.reporting.board_facts import BoardFacts, BoardRow
from bench.reporting.number_text import NOTHING, interval_text, places
from bench.reporting.tables import FactTable, flat_facts


def circumstances(board: BoardFacts) -> list[FactTable]:
    """Data, protocol, machine and recipes; tables with nothing in them are left out."""
    data = board.dataset.model_dump(mode="json", exclude={"scheme", "people_known"})
    scheme = board.dataset.scheme
    points = {"keypoints": scheme.keypoints, "frame": scheme.frame_words, "NME is a share of": scheme.normaliser_words}
    data["groups given"] = board.dataset.people_known
    tables = [
        FactTable("facts-data", "Data", (), flat_facts({**data, **points})),
        FactTable("facts-protocol", "Protocol", (), flat_facts(board.protocol.model_dump(mode="json"))),
        FactTable("facts-machine", "Machine and software", (), flat_facts(board.machine)),
        *_recipes(board.rows),
    ]
    return [table for table in tables if table.lines]


def latency_settings(rows: Sequence[BoardRow]) -> FactTable | None:
    """Every setting that was timed on the machine of the report."""
    lines = [(row.model, *_latency_line(each)) for row in rows for each in row.latencies]
    head = (
        "model", "runtime", "device", "precision", "threads", "batch", "timed",
        "p50 ms", "95 % interval", "p95 ms", "p99 ms", "samples", "images/s", "",
    )  # fmt: skip
    return FactTable("latency-settings", "Latency in every setting", head, lines) if lines else None


def _latency_line(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        *(str(entry[name]) for name in ("runtime", "device", "precision", "threads", "batch")),
        "picture to pixels" if entry["end_to_end"] else "forward pass",
        places(2)(entry["p50"]),
        interval_text(entry.get("p50_ci95")),
        places(2)(entry["p95"]),
        places(2)(entry["p99"]),
        str(entry["samples"]),
        places(0)(entry.get("throughput_images_per_s")),
        "unstable" if entry.get("unstable") else "",
    )


def _recipes(rows: Sequence[BoardRow]) -> list[FactTable]:
    """What all recipes share, once; then, per model, only what differs."""
    recipes = {row.model: flat_facts(row.recipe) for row in rows if row.recipe}
    if not recipes:
        return []
    shared = [pair for pair in next(iter(recipes.values())) if all(pair in found for found in recipes.values())]
    tables = [FactTable("facts-recipe", "Recipe that every network shares", (), shared)]
    lines = []
    for row in rows:
        if row.model in recipes:
            own = [pair for pair in recipes[row.model] if pair not in shared] + [*flat_facts(row.options or {})]
            pretrained = [("pretrained", "yes")] if row.pretrained else []
            lines.append((row.model, _joined([*own, *pretrained]), _joined(flat_facts(row.tuned or {}))))
    if any(own != NOTHING or tuned != NOTHING for _, own, tuned in lines):
        head = ("model", "its own recipe and options", "tuned")
        tables.append(FactTable("facts-own", "What differs between networks", head, lines))
    return tables


def _joined(pairs: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{name} {value}" for name, value in pairs) or NOTHING
