"""Which records stand on the leaderboard: those that share the latest run's data, folds and protocol."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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
    """One model as the newest run asked for it, with the cells recorded so far: the sound ones, and the ``failed``."""

    asked: AskedRecord
    cells: tuple[CellRecord, ...]
    failed: tuple[CellRecord, ...]

    @property
    def folds(self) -> int:
        """How many folds there should be."""
        return 1 if self.asked.protocol.quick else self.asked.protocol.folds

    @property
    def seeds(self) -> int:
        """How many seeds were asked for: a gate has one, an ensemble those of its members."""
        return {"network": self.asked.seeds, "gate": 1, "ensemble": 0}[self.asked.kind]

    @property
    def expected(self) -> int:
        """How many cells there should be."""
        return self.folds * self.seeds

    @property
    def complete(self) -> bool:
        """Whether every fold of every seed is there."""
        return len(self.cells) == self.expected

    @property
    def whole_seeds(self) -> int:
        """Of how many seeds every fold is there."""
        done = Counter(cell.seed for cell in self.cells)
        return sum(done[seed] == self.folds for seed in range(self.seeds))

    @property
    def places(self) -> frozenset[tuple[int, int]]:
        """The cells that are there, each by seed and fold."""
        return frozenset((cell.seed, cell.fold) for cell in self.cells)

    @property
    def kernels(self) -> tuple[str, ...]:
        """What the row's numbers were computed with, where that was noted."""
        return tuple(sorted({cell.kernels for cell in self.cells if cell.kernels}))

    @property
    def tuned_on_scored_rows(self) -> bool:
        """Whether a plain search chose the parameters: it saw rows that all but the first fold score."""
        return any(cell.variant.tuned is not None and cell.variant.tuned.get("mode") == "plain" for cell in self.cells)


@dataclass(frozen=True)
class Selection:
    """The latest run, its entries by model, and the number of records that were left out as unlike."""

    latest: AskedRecord
    protocol_name: str
    entries: Mapping[str, Entry]
    unlike: int

    @property
    def seeds(self) -> int:
        """The most seeds that any row was asked for; rows may have fewer."""
        return max((entry.seeds for entry in self.entries.values()), default=1)

    def rankable(self, model: str) -> bool:
        """Whether a model may be ranked: every fold is there under some seed, and it was not tuned on scored rows.

        Of an ensemble, the same of all its members, under seeds that they share.
        """
        members = members_of(model) if is_ensemble(model) else (model,)
        entries = [self.entries[member] for member in members if member in self.entries]
        if len(entries) < len(members) or any(entry.tuned_on_scored_rows for entry in entries):
            return False
        shared = frozenset.intersection(*(entry.places for entry in entries))
        return len({fold for _, fold in shared}) == entries[0].folds

    def pretrained(self, model: str) -> bool:
        """Whether a model, or a member of an ensemble, started from weights trained elsewhere."""
        if is_ensemble(model):
            return any(member in self.entries and self.pretrained(member) for member in members_of(model))
        return any(cell.variant.pretrained for cell in self.entries[model].cells)


def select(store: RecordStore, asked: Sequence[AskedRecord] | None = None) -> Selection:
    """Choose the records of one leaderboard.

    For each model the variant that was asked for last under this protocol counts, with as many seeds as were asked for;
    a variant asked for earlier (other epochs, say) and other protocols are counted in ``unlike``.

    Args:
        store: what is recorded.
        asked: what a run asked for, newest last, whatever others have asked for since; None = whatever was.

    Raises:
        RecordError: nothing was ever run under this ``--out``.
    """
    asked = store.asked() if asked is None else asked
    if not asked:
        raise RecordError(f"--out {store.out}: holds no results; `bench run` makes them")
    latest = asked[-1]
    name = protocol_digest(latest.dataset, latest.protocol)
    chosen = {record.model: record for record in asked if protocol_digest(record.dataset, record.protocol) == name}
    cells: dict[str, list[CellRecord]] = {model: [] for model in chosen}
    unlike = 0
    for cell in store.cells():
        record = chosen.get(cell.model)
        found = (cell.variant_digest, protocol_digest(cell.dataset, cell.protocol))
        if record is None or found != (record.variant_digest, name):
            unlike += 1
        elif cell.seed < max(record.seeds, 1):
            cells[cell.model].append(cell)
    entries = {model: _entry(store, record, cells[model]) for model, record in chosen.items()}
    return Selection(latest, name, entries, unlike)


def _entry(store: RecordStore, asked: AskedRecord, cells: Sequence[CellRecord]) -> Entry:
    """Two machines may both have trained a cell: a success counts, the one whose kernels made more of the row, and
    what cannot be read counts last."""
    made = Counter(cell.kernels for cell in cells if cell.status == "ok")
    recorded = Counter((cell.seed, cell.fold) for cell in cells)

    def worth(cell: CellRecord) -> tuple[bool, bool, int, str]:
        succeeded = cell.status == "ok"
        # Arrays are read here only where there is a choice.
        damaged = succeeded and recorded[cell.seed, cell.fold] > 1 and store.damage(cell) is not None
        return not damaged, succeeded, made[cell.kernels], cell.kernels

    chosen = {(cell.seed, cell.fold): cell for cell in sorted(cells, key=worth)}
    ordered = [chosen[place] for place in sorted(chosen)]
    sound, failed = (tuple(cell for cell in ordered if cell.status == status) for status in ("ok", "failed"))
    return Entry(asked, sound, failed)


def observe(store: RecordStore, selection: Selection) -> tuple[Selection, Observations]:
    """Out-of-fold predictions of every entry that has any, beside the labels; each file is read and checked once.

    A cell whose arrays are damaged counts as not recorded, and the others are still shown: the selection that comes
    back lacks it.

    Raises:
        RecordError: the labels of this protocol are missing or damaged.
    """
    truth, groups, fold_of_row = store.truth(selection.protocol_name)
    entries: dict[str, Entry] = {}
    predictions: dict[str, NDArray[np.float32]] = {}
    seeds: dict[str, tuple[int, ...]] = {}
    for model, chosen in selection.entries.items():
        by_seed: dict[int, NDArray[np.float32]] = {}
        sound = []
        for cell in chosen.cells:
            try:
                rows, predicted = store.predictions(cell)
            except RecordError as error:
                logger.warning("%s", error)
                continue
            sound.append(cell)
            by_seed.setdefault(cell.seed, np.full_like(truth, np.nan))[rows] = predicted
        entries[model] = replace(chosen, cells=tuple(sound))
        if sound:
            seeds[model], predictions[model] = tuple(by_seed), np.stack([*by_seed.values()])
    kinds: dict[str, str] = {model: entries[model].asked.kind for model in predictions}
    ensembles = [model for model in entries if is_ensemble(model)]
    scheme = selection.latest.dataset.scheme
    observed = Observations(truth, groups, fold_of_row, predictions, kinds, seeds, scheme)
    return replace(selection, entries=entries), with_ensembles(observed, ensembles)
