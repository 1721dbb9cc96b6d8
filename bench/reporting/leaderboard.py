"""Makes the board of what was collected."""

from collections.abc import Mapping
from typing import Any

from bench.comparing.collecting import Collected
from bench.comparing.selection import Entry
from bench.measuring.accuracy import score
from bench.measuring.environment import machine_digest
from bench.measuring.latency.percentiles import summarise_latencies
from bench.reporting.board_facts import BoardFacts, BoardRow, Failure, Protocol
from bench.reporting.comparison_facts import comparison_facts
from bench.reporting.row_errors import RowErrors
from bench.running.sources import UNKNOWN, is_of_earlier_code

TUNED_ON_SCORED_ROWS = "tuned on scored rows"


def make_board(collected: Collected, errors: RowErrors) -> BoardFacts:
    """Rows, ranked ones first, and what surrounds them."""
    selection, ranking = collected.selection, collected.ranking
    latest = selection.latest
    machine = machine_digest(latest.environment)
    partial = [model for model in collected.observations.predictions if model not in ranking.rank]
    rows: list[BoardRow] = []
    for model in (*ranking.order, *partial):
        place = sum(not row.is_gate for row in rows)
        rows.append(_row(model, collected, errors, {"index": len(rows), "place": place}))
    train_seconds = sum(row.train_seconds or 0 for row in rows if row.ranked)
    floor = ranking.floor
    return BoardFacts(
        generated=latest.asked,
        dataset=latest.dataset,
        protocol=Protocol(**latest.protocol.model_dump(), seeds=selection.seeds, grouping=latest.dataset.grouping),
        machine=latest.environment,
        rows=tuple(rows),
        failed=tuple(Failure.model_validate(cell) for entry in selection.entries.values() for cell in entry.failed),
        unlike_records=selection.unlike,
        unlike_latencies=sum(machine_digest(record.environment) != machine for record in collected.latencies),
        resolution_floor_px=None if floor is None else floor.difference_px,
        weak_evidence=ranking.weak,
        comparison=comparison_facts(collected.observations, ranking, train_seconds),
    )


def _row(model: str, collected: Collected, errors: RowErrors, placed: Mapping[str, int]) -> BoardRow:
    selection, observations, ranking = collected.selection, collected.observations, collected.ranking
    entry = selection.entries[model]
    digest, gate = entry.asked.variant_digest, entry.asked.kind == "gate"
    accuracy = score(observations.predictions[model], observations.truth, observations.scheme)
    measured = [record for record in collected.latencies if record.variant_digest == digest]
    speed = summarise_latencies(measured, selection.latest.environment)
    cost = next((cost for cost in reversed(collected.costs) if cost.variant_digest == digest), None)
    gates = [other for other in observations.predictions if observations.kinds[other] == "gate"]
    loses_to = [] if gate else [other for other in gates if errors.not_better(model, other)]
    facts: dict[str, Any] = {
        **accuracy.metrics,
        **(cost.model_dump(include={"parameters", "trainable_parameters", "macs", "weights_mb"}) if cost else {}),
        **speed,
        **_training(entry),
        **placed,
    }
    if gate:
        facts["place"] = None
    return BoardRow(
        rank=ranking.rank.get(model),
        tie_group=ranking.tie_group.get(model),
        model=model,
        kind=entry.asked.kind,
        rmse_px_ci95=ranking.interval_px.get(model),
        rmse_px_fold_sd=errors.fold_sd_px(model, observations.fold_of_row),
        per_keypoint_rmse_px=dict(accuracy.per_keypoint_rmse_px),
        nme_rows_left_out=accuracy.nme_rows_left_out,
        pretrained=selection.pretrained(model),
        loses_to=tuple(loses_to),
        leads=model in ranking.leading,
        flags=tuple(_flags(entry, selection.pretrained(model), loses_to, speed["latency_ms"])),
        **facts,
    )


def _training(entry: Entry) -> dict[str, Any]:
    cells = entry.cells
    found = {"folds_done": len({cell.fold for cell in cells}), "seeds_done": len({cell.seed for cell in cells})}
    if not cells:
        return found
    variant = cells[0].variant
    if entry.asked.kind == "gate":
        return {**found, "tuned": variant.tuned}
    seconds = sum(cell.train_seconds for cell in cells if cell.train_seconds is not None)
    epochs = variant.recipe.epochs if variant.recipe else None
    shown = sum(cell.train_rows for cell in cells) * (epochs or 0)
    return {
        **found,
        "train_seconds": seconds or None,
        "train_images_per_s": shown / seconds if seconds and shown else None,
        "recipe": variant.recipe.model_dump(mode="json") if variant.recipe else None,
        "epochs": epochs,
        "options": variant.options,
        "tuned": variant.tuned,
    }


def _flags(entry: Entry, pretrained: bool, loses_to: list[str], latency: Mapping[str, Any] | None) -> list[str]:
    flags = []
    if entry.expected and len({cell.fold for cell in entry.cells}) < entry.folds:
        flags.append(f"incomplete: {len(entry.cells)} of {entry.expected} cells")
    elif not entry.complete:
        flags.append(f"{entry.whole_seeds} of {entry.seeds} seeds complete")
    variants = {(cell.variant.code_digest, cell.variant.source): cell.variant for cell in entry.cells}.values()
    if any(is_of_earlier_code(entry.asked.kind, variant) for variant in variants):
        flags.append("earlier code")
    if any(variant.source == UNKNOWN for variant in variants):
        flags.append("source not found: trained anew by every process")
    if len(entry.kernels) > 1:
        flags.append(f"computed with {' and '.join(entry.kernels)}")
    if pretrained:
        flags.append("pretrained")
    if entry.tuned_on_scored_rows:
        flags.append(TUNED_ON_SCORED_ROWS)
    flags += [f"loses to {gate}" for gate in loses_to]
    if latency is not None and latency["unstable"]:
        flags.append(f"latency unstable: {latency['unstable_reason'] or 'the machine was disturbed'}")
    return flags
