"""Everything that a report is drawn from, collected once from the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.comparing.observations import Observations
from bench.comparing.ranking import Ranking, rank
from bench.comparing.selection import Selection, observe, select
from bench.records.schema import CellRecord, CostRecord, LatencyRecord
from bench.records.store import RecordStore
from bench.reporting.leaderboard import leaderboard_document


@dataclass(frozen=True)
class Material:
    """One leaderboard and what stands behind it.

    Attributes:
        document: the content of ``leaderboard.json``.
        selection: which records count.
        observations: out-of-fold predictions of all models that have some.
        ranking: order, ties and intervals of the complete models.
        cells: the sound cells by model.
        failed: the failed cells.
        latencies, costs: every latency and cost record of the variants shown.
        out: the folder.
    """

    document: dict[str, Any]
    selection: Selection
    observations: Observations
    ranking: Ranking
    cells: Mapping[str, tuple[CellRecord, ...]]
    failed: tuple[CellRecord, ...]
    latencies: tuple[LatencyRecord, ...]
    costs: tuple[CostRecord, ...]
    out: Path


def collect(store: RecordStore) -> Material:
    """Read the store and derive the leaderboard.

    Raises:
        RecordError: there are no results, or the labels behind them are missing.
    """
    selection = select(store)
    observations = observe(store, selection)
    complete = {model for model in selection.entries if selection.rankable(model)}
    ranking = rank(observations.only(complete))
    shown = {entry.asked.variant_digest for entry in selection.entries.values()}
    latencies = tuple(record for record in store.latencies() if record.variant_digest in shown)
    costs = tuple(record for record in store.costs() if record.variant_digest in shown)
    return Material(
        document=leaderboard_document(selection, observations, ranking, latencies, costs),
        selection=selection,
        observations=observations,
        ranking=ranking,
        cells={model: entry.cells for model, entry in selection.entries.items()},
        failed=tuple(cell for entry in selection.entries.values() for cell in entry.failed),
        latencies=latencies,
        costs=costs,
        out=store.out,
    )
