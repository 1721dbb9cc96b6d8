"""Makes the board of what was collected."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bench.comparing.collecting import Collected
from bench.comparing.selection import Entry
from bench.config.model_names import is_ensemble, members_of
from bench.measuring.accuracy import score
from bench.measuring.environment import machine_digest
from bench.measuring.latency.percentiles import summarise_latencies
from bench.records.schema import Verdict, Verification
from bench.reporting.board_facts import BoardFacts, BoardRow, Failure, Left, Protocol
from bench.reporting.comparison_facts import comparison_facts
from bench.reporting.number_text import letter_text
from bench.reporting.row_errors import RowErrors
from bench.running.sources import UNKNOWN, is_of_earlier_code

TUNED_ON_SCORED_ROWS = "tuned on scored rows"
TIMM = "architectures.timm_backbones"
"""Where the code of timm's backbones stands, as records note it."""


def make_board(collected: Collected, errors: RowErrors, verifications: Sequence[Verification]) -> BoardFacts:
    """Rows, ranked ones first, and what surrounds them."""
    selection, ranking = collected.selection, collected.ranking
    latest = selection.latest
    machine = machine_digest(latest.environment)
    left = [*reversed([*collected.departures])]  # who stayed longest comes first
    partial = [
        model
        for model in sorted(collected.observations.predictions, key=lambda one: left.index(one) if one in left else -1)
        if model not in ranking.rank
    ]
    rows: list[BoardRow] = []
    for model in (*ranking.order, *partial):
        place = sum(not row.is_gate for row in rows)
        row = _row(model, collected, errors, {"index": len(rows), "place": place})
        flags = tuple(_contradictions(selection.entries[model], verifications))
        rows.append(row.model_copy(update={"flags": (*flags, *row.flags)}))
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
        **_verified(selection.entries.values(), verifications),
        left_race=tuple(Left.model_validate(departure) for departure in collected.departures.values()),
    )


def _verified(entries: Iterable[Entry], verifications: Sequence[Verification]) -> dict[str, int]:
    """How many of the cells shown were trained again, and how they came out; one contradiction outweighs the rest."""
    verdicts: dict[str, set[Verdict]] = {}
    for found in verifications:
        verdicts.setdefault(found.predictions_sha256, set()).add(found.verdict)
    cells = [verdicts.get(cell.predictions_sha256 or "", set()) for entry in entries for cell in entry.cells]
    contradicted = sum("otherwise" in found for found in cells)
    return {
        "cells_recorded": len(cells),
        "cells_verified": sum(bool(found) for found in cells) - contradicted,
        "cells_contradicted": contradicted,
    }


def _contradictions(entry: Entry, verifications: Sequence[Verification]) -> Iterator[str]:
    wrong = {found.predictions_sha256 for found in verifications if found.verdict == "otherwise"}
    for cell in entry.cells:
        if cell.predictions_sha256 in wrong:
            yield f"fold {cell.fold}, seed {cell.seed}: otherwise when trained again"


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
        letters=tuple(map(letter_text, ranking.letters.get(model, ()))),
        model=model,
        kind=entry.asked.kind,
        rmse_px_ci95=ranking.interval_px.get(model),
        rmse_px_fold_sd=errors.fold_sd_px(model, observations.fold_of_row),
        per_keypoint_rmse_px=dict(accuracy.per_keypoint_rmse_px),
        nme_rows_left_out=accuracy.nme_rows_left_out,
        pretrained=selection.pretrained(model),
        loses_to=tuple(loses_to),
        leads=model in ranking.leading,
        flags=tuple(_flags(collected, model, loses_to, speed["latency_ms"])),
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
        "train_precision": variant.precision if variant.recipe else None,
        "recipe": variant.recipe.model_dump(mode="json") if variant.recipe else None,
        "epochs": epochs,
        "options": variant.options,
        "tuned": variant.tuned,
        "of_timm": variant.source == TIMM,
    }


def _flags(
    collected: Collected, model: str, loses_to: Sequence[str], latency: Mapping[str, Any] | None
) -> Iterator[str]:
    """What is to be known before a row is believed; what its cells tell, an ensemble has of its members' cells."""
    selection = collected.selection
    entry = selection.entries[model]
    behind = [selection.entries[name] for name in members_of(model)] if is_ensemble(model) else [entry]
    for each in behind:
        lack = _lack(collected, each)
        if lack is not None:
            yield lack if each is entry else f"{each.asked.model}: {lack}"
    variants = {
        (cell.variant.code_digest, cell.variant.source): (each.asked.kind, cell.variant)
        for each in behind
        for cell in each.cells
    }
    if any(is_of_earlier_code(kind, variant) for kind, variant in variants.values()):
        yield "earlier code"
    if any(source == UNKNOWN for _, source in variants):
        yield "source not found: trained anew by every process"
    kernels = sorted({name for each in behind for name in each.kernels})
    if len(kernels) > 1:
        yield f"computed with {' and '.join(kernels)}"
    if selection.pretrained(model):
        yield "pretrained"
    if any(each.tuned_on_scored_rows for each in behind):
        yield TUNED_ON_SCORED_ROWS
    yield from (f"loses to {gate}" for gate in loses_to)
    if latency is not None and latency["unstable"]:
        yield f"latency unstable: {latency['unstable_reason'] or 'the machine was disturbed'}"


def _lack(collected: Collected, entry: Entry) -> str | None:
    """Why a network or a gate has not all its cells; None where it has."""
    if entry.asked.model in collected.departures:
        return Left.model_validate(collected.departures[entry.asked.model]).text
    if len({cell.fold for cell in entry.cells}) < entry.folds:
        return f"incomplete: {len(entry.cells)} of {entry.expected} cells"
    return None if entry.complete else f"{entry.whole_seeds} of {entry.seeds} seeds complete"
