"""Whether everything under a results folder reads as it was sealed. Nothing is moved or mended."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

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


@dataclass
class Soundness:
    """How many records of each kind are sound, and by trouble, what the others suffer from."""

    sound: Counter[str] = field(default_factory=Counter)
    troubles: dict[Trouble, list[str]] = field(default_factory=dict)

    def found(self, error: UnusableError) -> None:
        """Count a file that cannot be used."""
        self.troubles.setdefault(error.trouble, []).append(str(error))


def check(files: RecordFiles) -> Soundness:
    """Read every record and its arrays; the rows of a cell must be those of its fold."""
    result = Soundness()
    folds = {}
    for name in files.names("truth", ".npz"):
        try:
            *_, folds[Path(name).stem] = files.truth(Path(name).stem)
        except UnusableError as error:
            result.found(error)
        else:
            result.sound["labels"] += 1
    for path in files.packed.passed_over:
        result.found(UnusableError(path, "damaged", "no packed records"))

    def arrays_are_sound(cell: CellRecord, name: str) -> bool:
        path = files.out / name
        try:
            rows, _ = cell_arrays(files.sealed(cell, name), cell, path)
            fold_of_row = folds.get(protocol_digest(cell.dataset, cell.protocol))
            if fold_of_row is not None and not np.array_equal(rows, np.flatnonzero(fold_of_row == cell.fold)):
                raise UnusableError(path, "damaged", "not the rows of its fold")
        except UnusableError as error:
            result.found(error)
            return False
        return True

    for cell, _ in files.usable("cells", CellRecord, cell_file, result.found):
        if cell.status == "failed" or arrays_are_sound(cell, f"{cell_name(cell.model, cell.key)}.npz"):
            result.sound["cells"] += 1
    for cell, _ in files.usable("conflicts", CellRecord, conflict_file, result.found):
        if arrays_are_sound(cell, f"{conflict_name(cell)}.npz"):
            result.sound["conflicts"] += 1

    def count(folder: str, kind: type[Record], file_of: FileOf[Record]) -> None:
        result.sound[folder] += sum(1 for _ in files.usable(folder, kind, file_of, result.found))

    count("asked", AskedRecord, asked_file)
    count("costs", CostRecord, cost_file)
    count("latency", LatencyRecord, latency_file)
    count("verified", Verification, verification_file)
    return result
