"""``leaderboard.json``: one document for programs, derived from records. Its names are a promise."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.comparing.observations import Observations
from bench.comparing.ranking import Ranking
from bench.comparing.selection import Entry, Selection
from bench.measuring.accuracy import Accuracy, rmse_px, score
from bench.measuring.environment import machine_digest
from bench.measuring.latency.percentiles import summarise_latencies
from bench.records.schema import CellRecord, CostRecord, LatencyRecord
from bench.reporting.comparison_facts import comparison_summary
from bench.running.sources import UNKNOWN

LEADERBOARD_SCHEMA = 1
TUNED_ON_SCORED_ROWS = "tuned on scored rows"

Document = dict[str, Any]


def leaderboard_document(
    selection: Selection,
    observations: Observations,
    ranking: Ranking,
    latencies: Sequence[LatencyRecord],
    costs: Sequence[CostRecord],
) -> Document:
    """The content of ``leaderboard.json``; what is not measured is null."""
    latest = selection.latest
    machine = machine_digest(latest.environment)
    builder = _Rows(selection, observations, ranking, latencies, costs)
    scored = [model for model in ranking.order if model in selection.entries]
    partial = [model for model in observations.predictions if model not in scored]
    rows = [builder.row(model) for model in [*scored, *partial]]
    train_seconds = sum(row["train_seconds"] or 0 for row in rows if row["rank"] is not None)
    return {
        "schema": LEADERBOARD_SCHEMA,
        "generated": latest.asked,
        "dataset": latest.dataset.model_dump(mode="json"),
        "protocol": {
            **latest.protocol.model_dump(mode="json"),
            "seeds": selection.seeds,
            "grouping": latest.dataset.grouping,
        },
        "machine": latest.environment,
        "rows": rows,
        "failed": [_failure(cell) for entry in selection.entries.values() for cell in entry.failed],
        "unlike_records": selection.unlike,
        "unlike_latencies": sum(machine_digest(record.environment) != machine for record in latencies),
        "resolution_floor_px": _rounded(ranking.floor.difference_px if ranking.floor is not None else None),
        "weak_evidence": ranking.weak,
        "comparison": _rounded_within(comparison_summary(observations, ranking, train_seconds)),
    }


class _Rows:
    """Makes rows; holds what all rows share."""

    def __init__(
        self,
        selection: Selection,
        observations: Observations,
        ranking: Ranking,
        latencies: Sequence[LatencyRecord],
        costs: Sequence[CostRecord],
    ) -> None:
        self.selection = selection
        self.observations = observations
        self.ranking = ranking
        self.latencies = latencies
        self.costs = {cost.variant_digest: cost for cost in costs}
        self.accuracy = {
            model: score(predictions, observations.truth, selection.latest.dataset.scheme)
            for model, predictions in observations.predictions.items()
        }

    def row(self, model: str) -> Document:
        entry = self.selection.entries[model]
        accuracy = self.accuracy[model]
        interval = self.ranking.interval_px.get(model)
        return {
            "rank": self.ranking.rank.get(model),
            "tie_group": self.ranking.tie_group.get(model),
            "model": model,
            "kind": entry.asked.kind,
            "rmse_px": _rounded(accuracy.metrics["rmse_px"]),
            "rmse_px_ci95": None if interval is None else [_rounded(bound) for bound in interval],
            "rmse_px_fold_sd": _rounded(self._fold_sd_px(model)),
            "nme_percent": _rounded(accuracy.metrics["nme_percent"]),
            "nme_rows_left_out": accuracy.nme_rows_left_out,
            "failure_rate": _rounded(accuracy.metrics["failure_rate"]),
            "auc": _rounded(accuracy.metrics["auc"]),
            "per_keypoint_rmse_px": _rounded_within(dict(accuracy.per_keypoint_rmse_px)),
            **self._costs(entry),
            **self._speed(entry),
            **_training(entry),
            "pretrained": self.selection.pretrained(entry.asked.model),
            "flags": self._flags(entry, accuracy),
        }

    def _fold_sd_px(self, model: str) -> float | None:
        """Spread (ddof 1) over folds of the RMSE pooled over seeds; None below two folds."""
        predictions, truth = self.observations.predictions[model], self.observations.truth
        predicted = np.isfinite(predictions).all(axis=(0, 2, 3))
        folds = np.unique(self.observations.fold_of_row[predicted])
        if len(folds) < 2:
            return None
        chosen = [self.observations.fold_of_row == fold for fold in folds]
        return float(np.std([rmse_px(predictions[:, rows], truth[rows]) for rows in chosen], ddof=1))

    def _costs(self, entry: Entry) -> Document:
        cost = self.costs.get(entry.asked.variant_digest)
        return {
            "parameters": cost.parameters if cost else None,
            "trainable_parameters": cost.trainable_parameters if cost else None,
            "macs": cost.macs if cost else None,
            "weights_mb": _rounded(cost.weights_mb) if cost else None,
        }

    def _speed(self, entry: Entry) -> Document:
        own = [record for record in self.latencies if record.variant_digest == entry.asked.variant_digest]
        return dict(summarise_latencies(own, self.selection.latest.environment))

    def _flags(self, entry: Entry, accuracy: Accuracy) -> list[str]:
        flags = []
        if not entry.whole_seeds and entry.expected:
            flags.append(f"incomplete: {len(entry.cells)} of {entry.expected} cells")
        elif not entry.complete:
            flags.append(f"{len(entry.whole_seeds)} of {entry.seeds} seeds complete")
        if self.selection.pretrained(entry.asked.model):
            flags.append("pretrained")
        if any(cell.variant.source == UNKNOWN for cell in entry.cells):
            flags.append("source not found: trained anew by every process")
        if entry.tuned_on_scored_rows:
            flags.append(TUNED_ON_SCORED_ROWS)
        if entry.asked.kind != "gate":
            flags += [
                f"loses to {gate}"
                for gate, other in self.accuracy.items()
                if self.selection.entries[gate].asked.kind == "gate"
                and other.metrics["rmse_px"] <= accuracy.metrics["rmse_px"]
            ]
        latency = self._speed(entry)["latency_ms"]
        if latency is not None and latency["unstable"]:
            flags.append(f"latency unstable: {latency['unstable_reason'] or 'the machine was disturbed'}")
        return flags


def _training(entry: Entry) -> Document:
    network = entry.asked.kind != "gate"
    cells = entry.counted
    recipe = cells[0].variant.recipe if cells and network else None
    seconds = [cell.train_seconds for cell in cells if cell.train_seconds is not None]
    epochs = recipe.epochs if recipe else None
    trained_rows = sum(cell.train_rows for cell in cells)
    return {
        "train_seconds": _rounded(sum(seconds)) if seconds and network else None,
        "train_images_per_s": _rounded(trained_rows * epochs / sum(seconds)) if seconds and epochs else None,
        "recipe": recipe.model_dump(mode="json") if recipe else None,
        "epochs": epochs,
        "options": cells[0].variant.options if cells and network else None,
        "tuned": cells[0].variant.tuned if cells else None,
        "folds_done": len({cell.fold for cell in cells}),
        "seeds_done": len({cell.seed for cell in cells}),
    }


def _failure(cell: CellRecord) -> Document:
    return {
        "model": cell.model,
        "fold": cell.fold,
        "seed": cell.seed,
        "cause": cell.cause,
        "reason": cell.reason,
        "attempts": cell.attempts,
    }


def _rounded(value: float | None) -> float | None:
    """Six significant digits: enough for every reader, and equal on reruns that differ in the last bit of a sum."""
    if value is None or not np.isfinite(value):
        return None
    return float(f"{value:.6g}")


def _rounded_within(found: Any) -> Any:
    """The same document with every float rounded."""
    if isinstance(found, dict):
        return {name: _rounded_within(value) for name, value in found.items()}
    if isinstance(found, list | tuple):
        return [_rounded_within(value) for value in found]
    return _rounded(found) if isinstance(found, float) else found
