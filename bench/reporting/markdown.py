"""``leaderboard.md``: the board for reading."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.faces.grouping import NONE
from bench.outside_text import printable
from bench.reporting.board_facts import BoardFacts, headings
from bench.reporting.board_notes import data_text, folds_text, footnotes, reading_notes, seeds_text, warnings_of
from bench.reporting.number_text import places


def leaderboard_markdown(board: BoardFacts) -> str:
    """Render a board as Markdown: what was compared, the ranking, keypoints, failures."""
    parts = [
        *_heading(board),
        _table(headings("markdown"), board.cells("markdown")),
        "",
        *_reading_notes(board),
        "",
        "## RMSE per keypoint (px)",
        "",
        _keypoint_table(board),
        "",
    ]
    if board.failed:
        cells = [[one.model, str(one.fold), str(one.seed), str(one.cause), str(one.reason)] for one in board.failed]
        parts += ["## Failed cells", "", _table(["model", "fold", "seed", "cause", "reason"], cells), ""]
    return printable("\n".join(parts))


def _heading(board: BoardFacts) -> list[str]:
    dataset, warnings = board.dataset, warnings_of(board)
    grouped = "" if dataset.grouping == NONE else "grouped "
    return [
        f"# Leaderboard{' (synthetic faces)' if dataset.synthetic else ''}: {_safe(dataset.name)}",
        "",
        *[f"> **{warning}**  " for warning in warnings],
        *([""] if warnings else []),
        f"- data: {_safe(dataset.name)}, {_safe(data_text(board))}, fingerprint {dataset.fingerprint}",
        f"- protocol: {folds_text(board)} {grouped}folds, {seeds_text(board)} (from seed {board.protocol.seed})",
        f"- machine: {_safe(_machine_line(board.machine))}",
        f"- date: {board.generated[:10]}",
        "",
    ]


def _machine_line(machine: Mapping[str, Any]) -> str:
    names = ("processor", "cores", "os", "python", "torch", "timm")
    found = [(name, machine[name]) for name in names if machine.get(name) is not None]
    return ", ".join(str(value) if name in ("processor", "os") else f"{name} {value}" for name, value in found)


def _reading_notes(board: BoardFacts) -> list[str]:
    notes = [
        "Lower is better. RMSE is pooled over all out-of-fold rows; the interval is of the architecture, training "
        "included, and the fold SD is how much single folds differ. Two models that share a letter are not told apart "
        "by this run, all others are. Latency is the median of one picture, one thread, forward only. mean_face, knn "
        "and ridge are gates: a network that loses to one is not worth its cost.",
        *reading_notes(board),
        *footnotes(board),
    ]
    return "\n\n".join(notes).split("\n")


def _keypoint_table(board: BoardFacts) -> str:
    if not board.rows:
        return "no complete cell yet"
    cells = [
        [name, *(places(2)(row.per_keypoint_rmse_px[name]) for row in board.rows)]
        for name in board.dataset.scheme.names
    ]
    return _table(["keypoint", *(row.model for row in board.rows)], cells)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [[_safe(cell) for cell in line] for line in (columns, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    head, *body = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    return "\n".join([head, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *body])


def _safe(text: str) -> str:
    """Text that cannot end a table cell or become HTML."""
    flat = " ".join(text.split())
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("`", "'")
