"""Which records stand on the leaderboard: those that share the latest run's data, folds and seeds."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.comparing.ensembles import with_ensembles
from bench.comparing.observations import Observations
from bench.config.model_names import is_ensemble, members_of
from bench.errors import RecordError
from bench.records.keys import protocol_digest
from bench.records.schema import AskedRecord, CellRecord
from bench.records.store import RecordStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One model as the newest run asked for it, with the cells recorded so far.

    ``cells`` are the sound ones, ``failed`` the others; ``expected`` is how many there should be.
    """

    asked: AskedRecord
    cells: tuple[CellRecord, ...]
    failed: tuple[CellRecord, ...]
    expected: int

    @property
    def complete(self) -> bool:
        """Whether every fold of every seed is there, as ranking demands."""
        return len(self.cells) == self.expected

    @property
    def tuned_on_scored_rows(self) -> bool:
        """Whether a plain search chose the parameters: it saw rows that all but the first fold score."""
        return any(cell.variant.tuned is not None and cell.variant.tuned.get("mode") == "plain" for cell in self.cells)


@dataclass(frozen=True)
class Selection:
    """The latest run, its entries by model, and the number of records that were left out as unlike."""

    latest: AskedRecord
    protocol_name: str
    seeds: int
    entries: Mapping[str, Entry]
    unlike: int

    def rankable(self, model: str) -> bool:
        """Whether a model may be ranked: complete, not tuned on scored rows, and so are an ensemble's members."""
        if is_ensemble(model):
            return all(member in self.entries and self.rankable(member) for member in members_of(model))
        return self.entries[model].complete and not self.entries[model].tuned_on_scored_rows

    def pretrained(self, model: str) -> bool:
        """Whether a model, or a member of an ensemble, started from weights trained elsewhere."""
        if is_ensemble(model):
            return any(member in self.entries and self.pretrained(member) for member in members_of(model))
        return any(cell.variant.pretrained for cell in self.entries[model].cells)


def select(store: RecordStore) -> Selection:
    """Choose the records of one leaderboard.

    For each model the variant that was asked for last under this protocol counts; a variant asked for earlier (other
    epochs, say) and other protocols are counted in ``unlike``.

    Raises:
        RecordError: nothing was ever run under this ``--out``.
    """
    asked = store.asked()
    if not asked:
        raise RecordError(f"--out {store.out}: holds no results; `bench run` makes them")
    latest = asked[-1]
    name = protocol_digest(latest.dataset, latest.protocol)
    chosen = {record.model: record for record in asked if protocol_digest(record.dataset, record.protocol) == name}
    seeds = max((record.seeds for record in chosen.values() if record.asked == latest.asked), default=1)
    cells: dict[str, list[CellRecord]] = {model: [] for model in chosen}
    unlike = 0
    for cell in store.cells():
        record = chosen.get(cell.model)
        same = (
            record is not None
            and cell.variant_digest == record.variant_digest
            and protocol_digest(cell.dataset, cell.protocol) == name
        )
        if same and cell.seed < seeds and _readable(store, cell):
            cells[cell.model].append(cell)
        elif not same:
            unlike += 1
    entries = {model: _entry(record, cells[model], seeds) for model, record in chosen.items()}
    return Selection(latest, name, seeds, entries, unlike)


def _readable(store: RecordStore, cell: CellRecord) -> bool:
    """Whether a cell can be used; one with damaged arrays counts as not recorded, and the others are still shown."""
    try:
        if cell.status == "ok":
            store.predictions(cell)
    except RecordError as error:
        logger.warning("%s", error)
        return False
    return True


def _entry(asked: AskedRecord, cells: list[CellRecord], seeds: int) -> Entry:
    folds = 1 if asked.protocol.quick else asked.protocol.folds
    repeats = {"network": seeds, "gate": 1, "ensemble": 0}[asked.kind]
    ordered = sorted(cells, key=lambda cell: (cell.seed, cell.fold))
    return Entry(
        asked,
        tuple(cell for cell in ordered if cell.status == "ok"),
        tuple(cell for cell in ordered if cell.status == "failed"),
        folds * repeats,
    )


def observe(store: RecordStore, selection: Selection) -> Observations:
    """Out-of-fold predictions of every entry that has any, beside the labels.

    Raises:
        RecordError: the labels of this protocol are missing or damaged.
    """
    truth, groups, fold_of_row = store.truth(selection.protocol_name)
    predictions: dict[str, NDArray[np.float32]] = {}
    for model, entry in selection.entries.items():
        if entry.cells:
            seeds = 1 if entry.asked.kind == "gate" else selection.seeds
            stacked = np.full((seeds, *truth.shape), np.nan, dtype=np.float32)
            for cell in entry.cells:
                rows, predicted = store.predictions(cell)
                stacked[cell.seed, rows] = predicted
            predictions[model] = stacked
    kinds: dict[str, str] = {model: selection.entries[model].asked.kind for model in predictions}
    ensembles = [model for model in selection.entries if is_ensemble(model)]
    return with_ensembles(Observations(truth, groups, fold_of_row, predictions, kinds), ensembles)
