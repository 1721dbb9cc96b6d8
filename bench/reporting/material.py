"""Everything that a report is drawn from, collected once from the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.comparing import collecting
from bench.comparing.observations import Observations
from bench.comparing.ranking import Ranking
from bench.comparing.selection import Selection
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
    found = collecting.collect(store)
    selection = found.selection
    return Material(
        document=leaderboard_document(selection, found.observations, found.ranking, found.latencies, found.costs),
        selection=selection,
        observations=found.observations,
        ranking=found.ranking,
        cells={model: entry.cells for model, entry in selection.entries.items()},
        failed=tuple(cell for entry in selection.entries.values() for cell in entry.failed),
        latencies=found.latencies,
        costs=found.costs,
        out=found.out,
    )
