"""``leaderboard.md``: the same document for reading."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.faces.grouping import NONE, describe_groups
from bench.reporting.subjects import group_letter

Document = dict[str, Any]

COLUMNS = ("rank", "model", "RMSE px", "NME %", "latency ms", "parameters", "MACs", "training", "flags")


def leaderboard_markdown(document: Document) -> str:
    """Render ``leaderboard.json``'s content as Markdown: what was compared, the ranking, keypoints, failures."""
    parts = [
        *_heading(document),
        _table(COLUMNS, [[_safe(cell) for cell in ranking_cells(row)] for row in document["rows"]]),
        "",
        *_reading_notes(document),
        "",
        "## RMSE per keypoint (px)",
        "",
        _keypoint_table(document["rows"]),
        "",
    ]
    if document["failed"]:
        parts += ["## Failed cells", "", _failure_table(document["failed"]), ""]
    return "\n".join(parts)


def warnings_of(document: Document) -> list[str]:
    """What a reader must know before the numbers: each a short sentence."""
    dataset, protocol = document["dataset"], document["protocol"]
    found = []
    if dataset["synthetic"]:
        found.append("synthetic faces: drawn by bench, not photographed")
    if not dataset["people_known"]:
        found.append("people unknown: errors and intervals are optimistic")
    if protocol["quick"]:
        found.append("quick run (one fold, few epochs): not comparable with any other result")
    return found


def format_count(value: float | None) -> str:
    """1234567 -> ``1.23 M``; None -> ``–``."""
    if value is None:
        return "–"
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:g}"


def format_seconds(value: float | None) -> str:
    """Seconds for reading: ``42 s``, ``3 min 05 s``, ``2 h 10 min``; None -> ``–``."""
    if value is None:
        return "–"
    whole = round(value)
    if whole < 60:
        return f"{value:.1f} s" if value < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def rmse_cell(row: Document) -> str:
    """RMSE with its spread over folds, ``2.013 ± 0.081``; ``–`` where no scored row is labelled."""
    if row["rmse_px"] is None:
        return "–"
    spread = row["rmse_px_fold_sd"]
    return f"{row['rmse_px']:.3f}" + (f" ± {spread:.3f}" if spread is not None else "")


def latency_cell(row: Document) -> str:
    """Median latency in milliseconds, or ``–``."""
    latency = row["latency_ms"]
    return f"{latency['p50']:.2f}" if latency and latency["p50"] is not None else "–"


def rank_cell(row: Document) -> str:
    """Rank and tie group: ``1 (A)``; ``–`` where a model is not ranked."""
    return "–" if row["rank"] is None else f"{row['rank']} ({group_letter(row['tie_group'])})"


def _heading(document: Document) -> list[str]:
    dataset, protocol, machine = document["dataset"], document["protocol"], document["machine"]
    groups = describe_groups(dataset["groups"], dataset["grouping"], dataset["people_known"])
    grouped = "" if dataset["grouping"] == NONE else "grouped "
    folds = "1 of " if protocol["quick"] else ""
    title = "Leaderboard" + (" (synthetic faces)" if dataset["synthetic"] else "")
    return [
        f"# {title}: {_safe(dataset['name'])}",
        "",
        *[f"> **{warning}**  " for warning in warnings_of(document)],
        *([""] if warnings_of(document) else []),
        f"- data: {_safe(dataset['name'])}, {dataset['rows']:,} faces, {_safe(groups)}, "
        f"fingerprint {dataset['fingerprint']}",
        f"- protocol: {folds}{protocol['folds']} {grouped}folds, {protocol['seeds']} "
        f"seed{'s' if protocol['seeds'] > 1 else ''} (from seed {protocol['seed']})",
        f"- machine: {_safe(_machine_line(machine))}",
        f"- date: {document['generated'][:10]}",
        "",
    ]


def _machine_line(machine: Document) -> str:
    names = ("processor", "cores", "os", "python", "torch", "timm")
    found = [(name, machine[name]) for name in names if machine.get(name) is not None]
    return ", ".join(str(value) if name in ("processor", "os") else f"{name} {value}" for name, value in found)


def ranking_cells(row: Document) -> list[str]:
    """One row of the first table, in the order of :data:`COLUMNS`: plain text, which Markdown has to escape."""
    return [
        rank_cell(row),
        row["model"],
        rmse_cell(row),
        f"{row['nme_percent']:.2f}" if row["nme_percent"] is not None else "–",
        latency_cell(row),
        format_count(row["parameters"]),
        format_count(row["macs"]),
        format_seconds(row["train_seconds"]),
        ", ".join(row["flags"]),
    ]


def _reading_notes(document: Document) -> list[str]:
    notes = [
        "Lower is better. RMSE is pooled over all out-of-fold rows, ± its standard deviation over folds. Models with "
        "the same letter are not told apart by this run. Latency is the median of one picture, one thread, forward "
        "only. mean_face, knn and ridge are gates: a network that loses to one is not worth its cost."
    ]
    for note in (*letter_notes(document), *precision_notes(document), *footnotes(document)):
        notes += ["", note]
    return notes


def letter_notes(document: Document) -> list[str]:
    """Why a letter skips a rank, where one does: below a model of group B stands one of A that varies more."""
    reached, skipping = 0, []
    for row in document["rows"]:
        group = row["tie_group"]
        if group is not None and group < reached:
            skipping.append(f"{row['model']} ({group_letter(group)})")
        reached = max(reached, group or 0)
    if not skipping:
        return []
    return [
        f"A letter can skip a rank: {', '.join(skipping)}. Such a model varies so much between trainings or folds that "
        "this run cannot tell it from the best of its letter, while steadier models of lower error are told apart."
    ]


def footnotes(document: Document) -> list[str]:
    """What lies under the folder and is not shown."""
    kinds = (
        ("Records under this folder with other data, folds or settings", document["unlike_records"]),
        ("Latency records of other machines", document["unlike_latencies"]),
    )
    return [f"{what}, not shown: {count}." for what, count in kinds if count]


def precision_notes(document: Document) -> list[str]:
    """How small a difference the run can see, and what would sharpen it, most effective first."""
    notes = []
    floor = document["comparison"]["resolution_floor"]
    if floor is not None:
        ways = [
            f"{way['to']} {way['means']} instead of {way['from']}: about {way['floor_px']:.2g} px "
            f"(+{format_seconds(way['extra_minutes'] * 60)} of training)"
            for way in floor["lowered_by"]
        ]
        notes += [
            f"This run would find a difference of {floor['difference_px']:.2f} px in four cases out of five; smaller "
            "ones may be missed.",
            f"To resolve smaller differences: {'; '.join(ways)}.",
        ]
    if document["weak_evidence"]:
        notes.append(weak_note(document))
    return notes


def weak_note(document: Mapping[str, Any]) -> str:
    """What one training seed leaves unknown."""
    if document["protocol"]["quick"]:
        return "One fold and one training seed say nothing about chance, so no network is told from another."
    return "One training seed: how much training itself varies is only estimated; `--seeds 3` measures it."


def _keypoint_table(rows: Sequence[Document]) -> str:
    if not rows:
        return "no complete cell yet"
    names = list(rows[0]["per_keypoint_rmse_px"])
    cells = [[name, *(_two_places(row["per_keypoint_rmse_px"][name]) for row in rows)] for name in names]
    return _table(["keypoint", *(_safe(row["model"]) for row in rows)], cells)


def _two_places(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _failure_table(failures: Sequence[Document]) -> str:
    cells = [
        [_safe(one["model"]), str(one["fold"]), str(one["seed"]), str(one["cause"]), _safe(str(one["reason"]))]
        for one in failures
    ]
    return _table(["model", "fold", "seed", "cause", "reason"], cells)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[i]) for line in [columns, *rows]) for i in range(len(columns))]
    lines = [_line(columns, widths), "|" + "|".join("-" * (width + 2) for width in widths) + "|"]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def _safe(text: str) -> str:
    """Text that cannot end a table cell or become HTML."""
    flat = " ".join(text.split())
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("`", "'")
