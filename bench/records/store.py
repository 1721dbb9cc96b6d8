"""The store under ``--out``: one file per record, written the moment its cell ends."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import RecordError
from bench.records.atomic import write_bytes
from bench.records.files import (
    BESIDE_CELLS,
    FileOf,
    Record,
    RecordFiles,
    UnusableError,
    asked_name,
    cell_arrays,
    cell_file,
    cell_name,
    cost_file,
    latency_file,
    slug,
    verification_file,
)
from bench.records.packed import write_packed
from bench.records.reading import set_aside
from bench.records.schema import AskedRecord, CellRecord, CostRecord, LatencyRecord, Verification, Versioned
from bench.records.sealing import sealed_arrays, sealed_text

logger = logging.getLogger(__name__)


class RecordStore:
    """Records of one ``--out`` folder.

    Reading never fails as a whole: a damaged file is logged, set aside as ``NAME.damaged`` and passed over. What
    writes raises RecordError where the disk refuses. Whatever has no file of its own is read from the packed form under
    ``records/``.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.files = RecordFiles(out)

    def cell_path(self, model: str, key: str) -> Path:
        """Where the record of a cell is written; its arrays stand beside it as ``.npz``."""
        return self.out / f"{cell_name(model, key)}.json"

    def write_cell(
        self, record: CellRecord, rows: NDArray[np.int64] | None, predictions: NDArray[np.float32] | None
    ) -> CellRecord:
        """Store one cell, arrays first: the JSON file is what makes it count.

        What succeeded once stays while it can be read: a failure does not replace it, and the record that stands is
        returned.

        Args:
            record: the facts; its ``predictions_sha256`` is filled in here.
            rows: int64 (n,), row numbers of the scored rows; None for a failed cell.
            predictions: float32 (n, K, 2) in pixels, in the order of ``rows``; None for a failed cell.
        """
        name = cell_name(record.model, record.key)
        before = self.read_cell(record.model, record.key) if record.status == "failed" else None
        if before is not None and before.status == "ok" and self.damage(before) is None:
            return before
        if rows is not None and predictions is not None:
            content = sealed_arrays({"rows": rows.astype(np.int64), "predictions": predictions.astype(np.float32)})
            _put(self.out / f"{name}.npz", content)
            record = record.model_copy(update={"predictions_sha256": hashlib.sha256(content).hexdigest()})
        self._write(f"{name}.json", record)
        return record

    def read_cell(self, model: str, key: str) -> CellRecord | None:
        """The stored record of a cell, or None where there is none that can be read."""
        return self.read(f"{cell_name(model, key)}.json", CellRecord, cell_file)

    def cells(self) -> Iterator[CellRecord]:
        """Every readable cell record, in a stable order."""
        yield from self._all("cells", CellRecord, cell_file)

    def cells_of(self, model: str) -> Iterator[CellRecord]:
        """Every readable cell record of one model."""
        yield from self._all(f"cells/{slug(model)}", CellRecord, cell_file)

    def predictions(self, record: CellRecord) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows int64 (n,) and predicted pixels float32 (n, K, 2) of a cell.

        Raises:
            RecordError: the array file is missing, is not the one that the record sealed, or does not fit it.
        """
        try:
            path = self.out / f"{cell_name(record.model, record.key)}.npz"
            return cell_arrays(self._sealed(record), record, path)
        except UnusableError as error:
            raise RecordError(f"{error}; `bench run` makes it again") from error

    def damage(self, record: CellRecord) -> str | None:
        """What is wrong with the arrays of a cell; None where they can be read."""
        try:
            self.predictions(record)
        except RecordError as error:
            return str(error)
        return None

    def write_latency(self, record: LatencyRecord) -> None:
        """Store raw timings."""
        self._write(latency_file(record), record)

    def latencies(self) -> list[LatencyRecord]:
        """Every readable latency record."""
        return list(self._all("latency", LatencyRecord))

    def write_cost(self, record: CostRecord) -> None:
        """Store the static costs of a variant."""
        self._write(cost_file(record), record)

    def costs(self) -> list[CostRecord]:
        """Every readable cost record."""
        return list(self._all("costs", CostRecord))

    def write_verification(self, record: Verification) -> None:
        """Note how a cell came out that was trained again; what is noted so already stays as it is."""
        name = verification_file(record)
        passing = {"verified", "environment"}
        before = self.read(name, Verification, verification_file)
        if before is None or before.model_dump(exclude=passing) != record.model_dump(exclude=passing):
            self._write(name, record)

    def verifications(self) -> list[Verification]:
        """Every readable one."""
        return list(self._all("verified", Verification, verification_file))

    def write_asked(self, record: AskedRecord, protocol: str) -> None:
        """Note that a run asked for this variant; one file per protocol and model."""
        self._write(asked_name(protocol, record.model), record)

    def asked(self) -> list[AskedRecord]:
        """What runs asked for, newest last."""
        found = self._all("asked", AskedRecord)
        return sorted(found, key=lambda record: (record.number, record.asked, record.order))

    def write_truth(
        self,
        protocol: str,
        keypoints: NDArray[np.float32],
        groups: NDArray[np.int64],
        fold_of_row: NDArray[np.int64],
    ) -> None:
        """Store labels (no pictures) once per protocol, so that reports need no data; damaged ones are replaced."""
        path = self.out / "truth" / f"{protocol}.npz"
        try:
            self.truth(protocol)
            return
        except RecordError as error:
            if path.exists():
                logger.warning("%s", error)
                set_aside(path)
        _put(path, sealed_arrays({"keypoints": keypoints, "groups": groups, "fold_of_row": fold_of_row}))

    def truth(self, protocol: str) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
        """Keypoints (N, K, 2), groups (N,) and fold of each row (N,) of a protocol.

        Raises:
            RecordError: it was never stored or is damaged.
        """
        return self.files.truth(protocol)

    def pack(self) -> list[Path]:
        """Write every sound record compressed, without pictures or weights, under ``records/``; returns the files.

        The folders beside it may go then: the store reads either.

        Raises:
            RecordError: a file cannot be read or written.
        """
        groups: dict[str, dict[str, bytes]] = {}
        for cell in sorted(self.cells(), key=lambda cell: (cell.seed, cell.fold)):
            group = groups.setdefault(slug(f"{cell.model}-{cell.variant_digest}"), {})
            name = cell_name(cell.model, cell.key)
            try:
                if cell.status == "ok":
                    group[f"{name}.npz"] = self._sealed(cell)
                group[f"{name}.json"] = self.files.content(f"{name}.json") or b""
            except RecordError as error:
                logger.warning("%s", error)
        with _refusals_told("read"):
            for folder, suffixes in BESIDE_CELLS.items():
                names = [name for suffix in suffixes for name in self.files.names(folder, suffix)]
                groups[folder] = {name: self.files.content(name) or b"" for name in names}
        with _refusals_told("written"):
            return write_packed(self.out / "records", groups)

    def _sealed(self, record: CellRecord) -> bytes:
        """The array file of a cell; what stands there and is not the one that the record sealed is set aside."""
        try:
            return self.files.sealed(record)
        except UnusableError as error:
            if error.trouble == "damaged":
                set_aside(self.out / f"{cell_name(record.model, record.key)}.npz")
            raise

    def write_file(self, name: str, content: bytes) -> None:
        """Store a file of another store as it is."""
        _put(self.out / name, content)

    def _write(self, name: str, record: Versioned) -> None:
        _put(self.out / name, sealed_text(record.model_dump_json(by_alias=True, indent=1)))

    def _all(self, folder: str, kind: type[Record], file_of: FileOf[Record] | None = None) -> Iterator[Record]:
        for name in self.files.names(folder):
            record = self.read(name, kind, file_of)
            if record is not None:
                yield record

    def read(self, name: str, kind: type[Record], file_of: FileOf[Record] | None = None) -> Record | None:
        """The record in a file of the store; None where there is none, or none that can be used, which is told.

        ``file_of`` names the file that a record belongs in: one that stands in another's place is damage.
        """
        path = self.out / name
        try:
            return self.files.load(name, kind, file_of)
        except UnusableError as error:
            if error.trouble == "damaged":
                remedy = "the command that made it makes it again"
                logger.warning("%s: damaged record set aside (%s); %s", path, error.reason, remedy)
                set_aside(path)
            elif error.trouble == "newer":
                logger.warning("%s: written by a newer bench (%s), passed over", path, error.reason)
            else:
                logger.warning("%s: unreadable record passed over (%s)", path, error.reason)
            return None


def _put(path: Path, content: bytes) -> None:
    with _refusals_told("written"):
        write_bytes(path, content)


@contextmanager
def _refusals_told(done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordError(f"{error.filename}: cannot be {done} ({error.strerror}); mend that and run again") from error
