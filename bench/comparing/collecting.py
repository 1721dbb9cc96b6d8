"""What lies under an ``--out`` folder, read once: the way to it of compare, choose and every report."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.comparing.observations import Observations
from bench.comparing.race import Departure, departures
from bench.comparing.ranking import Ranking, rank
from bench.comparing.selection import Selection, observe, select
from bench.records.schema import CostRecord, LatencyRecord
from bench.records.store import RecordStore


@dataclass(frozen=True)
class Collected:
    """One leaderboard's records and what the statistics say of them.

    Attributes:
        out: the folder.
        selection: which records count.
        observations: out-of-fold predictions of all models that have some.
        ranking: order, ties and intervals of the models that may be ranked.
        departures: by model, why a race dropped it.
        latencies, costs: every latency and cost record of the variants shown.
    """

    out: Path
    selection: Selection
    observations: Observations
    ranking: Ranking
    departures: Mapping[str, Departure]
    latencies: tuple[LatencyRecord, ...]
    costs: tuple[CostRecord, ...]

    @property
    def ranked(self) -> Observations:
        """The observations of the ranked models alone."""
        return self.observations.only(self.ranking.order)


def collect(store: RecordStore) -> Collected:
    """Read the store and rank what is complete.

    Raises:
        RecordError: there are no results, or the labels behind them are missing.
    """
    selection, observations = observe(store, select(store))
    shown = {entry.asked.variant_digest for entry in selection.entries.values()}
    return Collected(
        out=store.out,
        selection=selection,
        observations=observations,
        ranking=rank(observations.only([model for model in selection.entries if selection.rankable(model)])),
        departures=departures(selection, observations),
        latencies=tuple(record for record in store.latencies() if record.variant_digest in shown),
        costs=tuple(record for record in store.costs() if record.variant_digest in shown),
    )
