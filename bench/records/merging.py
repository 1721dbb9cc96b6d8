"""Results of several machines in one folder: whole records, copied as they are; what is there already stays.

Cells flow by their key, which holds everything that decides their numbers: equal keys should have equal predictions.
Where they have not, the first stays on the board and the other is kept beside it, under ``conflicts/``. Latency keeps
the machine that is in its key. What was asked for comes in as asked before any run in this folder, so that no merge
turns a board into another's. The order of writing is that of meaning (labels, cells, what shows them), each file
appears whole, and none depends on when it came: a merge that was killed is finished by the same merge.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import RecordError
from bench.records.atomic import sweep
from bench.records.files import (
    FileOf,
    Record,
    RecordFiles,
    Trouble,
    UnusableError,
    asked_file,
    cell_arrays,
    cell_file,
    cell_name,
    conflict_file,
    conflict_name,
    cost_file,
    latency_file,
    verification_file,
)
from bench.records.keys import protocol_digest
from bench.records.schema import AskedRecord, CellRecord, CostRecord, LatencyRecord, Verification
from bench.records.store import RecordStore

BEFORE_ALL_RUNS = 0
"""The number of what other folders asked for; runs in a folder count from 1."""

Arrays = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Rows (n,) and predicted pixels (n, K, 2) of a cell."""


@dataclass(frozen=True)
class Conflict:
    """One cell that two machines predicted otherwise; the first one's counts.

    ``difference_px`` is the largest of any coordinate, None where they scored other rows; ``kept_as`` is where the
    second one's record is kept, without its endings.
    """

    model: str
    fold: int
    seed: int
    difference_px: float | None
    machines: tuple[str, str]
    kept_as: str

    def __str__(self) -> str:
        apart = "other rows" if self.difference_px is None else f"up to {self.difference_px:.3g} px apart"
        first, second = self.machines
        place = f"{self.model}, fold {self.fold}, seed {self.seed}"
        return f"{place}: {apart}, by {first} and by {second}; the first counts, the other is kept as {self.kept_as}"


@dataclass
class Merged:
    """What a merge did.

    Attributes:
        taken, present: how many records of each kind came in, or stood here already.
        left: by trouble, what each file that stays where it is suffers from.
        conflicts: cells with other predictions than here.
        asked_otherwise: models that were asked for with other settings there; the board shows those of the first.
        labelled_otherwise: protocols whose labels are others there, though their digests are not.
    """

    taken: Counter[str] = field(default_factory=Counter)
    present: Counter[str] = field(default_factory=Counter)
    left: dict[Trouble, list[str]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    asked_otherwise: list[str] = field(default_factory=list)
    labelled_otherwise: list[str] = field(default_factory=list)


def merge(out: Path, others: Sequence[Path]) -> Merged:
    """Bring the records of ``others`` into ``out``; they are only read.

    Raises:
        RecordError: one of them holds no records or is ``out`` itself, or a file cannot be read or written.
    """
    sources = [RecordFiles(other) for other in others]
    for source in sources:
        if source.out.resolve() == out.resolve():
            raise RecordError(f"{source.out}: is --out itself; name other folders")
        if not source.names("cells") and not source.names("asked"):
            raise RecordError(f"{source.out}: holds no results; name a folder that `bench run --out` made")
    sweep(out)
    merged = Merged()
    for source in sources:
        _Merge(RecordStore(out), source, merged).everything()
    return merged


@dataclass(frozen=True)
class _Merge:
    """One source into one store."""

    store: RecordStore
    source: RecordFiles
    merged: Merged

    def everything(self) -> None:
        for name in self.source.names("truth", ".npz"):
            self._labels(Path(name).stem)
        for cell, name in self.source.usable("cells", CellRecord, cell_file, self._leave):
            self._cell(cell, name)
        for cell, name in self.source.usable("conflicts", CellRecord, conflict_file, self._leave):
            if self._arrays(cell, f"{conflict_name(cell)}.npz") is not None:
                self._copy(name.removesuffix(".json"), conflict_name(cell))
        self._copy_missing("costs", CostRecord, cost_file)
        self._copy_missing("latency", LatencyRecord, latency_file)
        self._copy_missing("verified", Verification, verification_file)
        for asked, name in self.source.usable("asked", AskedRecord, asked_file, self._leave):
            self._asked(asked, self.store.read(name, AskedRecord, asked_file))

    def _leave(self, error: UnusableError) -> None:
        self.merged.left.setdefault(error.trouble, []).append(str(error))

    def _labels(self, protocol: str) -> None:
        try:
            labels = self.source.truth(protocol)
        except UnusableError as error:
            self._leave(error)
            return
        try:
            here = self.store.truth(protocol)
        except UnusableError:  # missing or damaged: what writes it tells which
            self.store.write_truth(protocol, *labels)
            self.merged.taken["labels"] += 1
            return
        if _bytes(labels) != _bytes(here):
            self.merged.labelled_otherwise.append(protocol)

    def _cell(self, cell: CellRecord, name: str) -> None:
        found = self._arrays(cell, f"{cell_name(cell.model, cell.key)}.npz") if cell.status == "ok" else None
        if cell.status == "ok" and found is None:
            return
        here = self.store.read_cell(cell.model, cell.key)
        if here is None or (found is not None and (here.status == "failed" or self.store.damage(here) is not None)):
            self._copy(name.removesuffix(".json"), cell_name(cell.model, cell.key), arrays=found is not None)
            self.merged.taken["cells"] += 1
            return
        if found is not None:
            known = self.store.predictions(here)
            if _bytes(found) != _bytes(known):
                self._keep_beside(cell, name, here, _difference_px(found, known))
                return
        self.merged.present["cells"] += 1

    def _keep_beside(self, cell: CellRecord, name: str, here: CellRecord, difference_px: float | None) -> None:
        kept_as = conflict_name(cell)
        self._copy(name.removesuffix(".json"), kept_as)
        machines = (machine_words(here), machine_words(cell))
        self.merged.conflicts.append(Conflict(cell.model, cell.fold, cell.seed, difference_px, machines, kept_as))

    def _arrays(self, cell: CellRecord, name: str) -> Arrays | None:
        """What a cell of the source predicted; None where its arrays cannot be used, which is counted."""
        try:
            return cell_arrays(self.source.sealed(cell, name), cell, self.source.out / name)
        except UnusableError as error:
            self._leave(error)
            return None

    def _copy_missing(self, folder: str, kind: type[Record], file_of: FileOf[Record]) -> None:
        for _, name in self.source.usable(folder, kind, file_of, self._leave):
            if self.store.read(name, kind, file_of) is not None:
                self.merged.present[folder] += 1
            else:
                self._copy(name.removesuffix(".json"), name.removesuffix(".json"), arrays=False)
                self.merged.taken[folder] += 1

    def _asked(self, asked: AskedRecord, here: AskedRecord | None) -> None:
        protocol = protocol_digest(asked.dataset, asked.protocol)
        if here is None:
            self.store.write_asked(asked.model_copy(update={"number": BEFORE_ALL_RUNS}), protocol)
        elif here.variant_digest != asked.variant_digest:
            self.merged.asked_otherwise.append(asked.model)
        elif here.seeds < asked.seeds:
            self.store.write_asked(here.model_copy(update={"seeds": asked.seeds}), protocol)

    def _copy(self, source: str, target: str, *, arrays: bool = True) -> None:
        """Byte for byte, arrays first: the record is what makes them count. What is there already is not written."""
        for suffix in (".npz", ".json") if arrays else (".json",):
            content = self.source.content(f"{source}{suffix}") or b""
            if content != self.store.files.content(f"{target}{suffix}"):
                self.store.write_file(f"{target}{suffix}", content)


def machine_words(cell: CellRecord) -> str:
    """What trained a cell: ``Intel(R) Xeon(R) Processor (AVX512, amx_bf16)``."""
    processor = cell.environment.get("accelerator") or cell.environment.get("processor") or "an unknown machine"
    return f"{processor} ({cell.kernels})" if cell.kernels else str(processor)


def _bytes(arrays: Sequence[NDArray[Any]]) -> list[bytes]:
    return [array.tobytes() for array in arrays]


def _difference_px(found: Arrays, known: Arrays) -> float | None:
    if not np.array_equal(found[0], known[0]):
        return None
    return float(np.abs(found[1].astype(np.float64) - known[1]).max(initial=0))
