"""The store under ``--out``: one file per record, written the moment its cell ends."""

import hashlib
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from bench.errors import RecordError
from bench.records.atomic import write_bytes
from bench.records.keys import digest
from bench.records.packed import PackedFiles, write_packed
from bench.records.reading import read_regular, set_aside
from bench.records.schema import SCHEMA, AskedRecord, CellRecord, CostRecord, LatencyRecord, Versioned
from bench.records.sealing import sealed_arrays, sealed_text, unsealed_arrays, unsealed_text

logger = logging.getLogger(__name__)

Record = TypeVar("Record", bound=Versioned)


def slug(name: str) -> str:
    """A folder name for an architecture that cannot leave its folder: safe letters plus a short hash."""
    safe = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:40]
    return f"{safe}-{digest(name)[:6]}"


class RecordStore:
    """Records of one ``--out`` folder.

    Reading never fails as a whole: a damaged file is logged, set aside as ``NAME.damaged`` and passed over. What
    writes raises RecordError where the disk refuses. Whatever has no file of its own is read from the packed form under
    ``records/``.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self._packed = PackedFiles(out / "records")

    def cell_path(self, model: str, key: str) -> Path:
        """Where the record of a cell is written; its arrays stand beside it as ``.npz``."""
        return self.out / f"{_cell_name(model, key)}.json"

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
        name = _cell_name(record.model, record.key)
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
        return self.read(f"{_cell_name(model, key)}.json", CellRecord, _cell_file)

    def cells(self) -> Iterator[CellRecord]:
        """Every readable cell record, in a stable order."""
        yield from self._all("cells", CellRecord, _cell_file)

    def cells_of(self, model: str) -> Iterator[CellRecord]:
        """Every readable cell record of one model."""
        yield from self._all(f"cells/{slug(model)}", CellRecord, _cell_file)

    def predictions(self, record: CellRecord) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows int64 (n,) and predicted pixels float32 (n, K, 2) of a cell.

        Raises:
            RecordError: the array file is missing, is not the one that the record sealed, or does not fit it.
        """
        content, path = self._sealed(record), self.out / f"{_cell_name(record.model, record.key)}.npz"
        try:
            rows, predictions = unsealed_arrays(content, "rows", "predictions")
        except ValueError as error:
            raise RecordError(f"{path}: not the arrays of a cell; `bench run` makes it again") from error
        shape = (record.scored_rows, record.dataset.scheme.keypoints, 2)
        if rows.shape != shape[:1] or predictions.shape != shape or ((rows < 0) | (rows >= record.dataset.rows)).any():
            raise RecordError(f"{path}: not the rows and points of its record; `bench run` makes it again")
        return rows.astype(np.int64), predictions.astype(np.float32)

    def damage(self, record: CellRecord) -> str | None:
        """What is wrong with the arrays of a cell; None where they can be read."""
        try:
            self.predictions(record)
        except RecordError as error:
            return str(error)
        return None

    def write_latency(self, record: LatencyRecord) -> None:
        """Store raw timings."""
        self._write(f"latency/{record.key}.json", record)

    def latencies(self) -> list[LatencyRecord]:
        """Every readable latency record."""
        return list(self._all("latency", LatencyRecord))

    def write_cost(self, record: CostRecord) -> None:
        """Store the static costs of a variant."""
        self._write(f"costs/{slug(record.model)}-{record.variant_digest}.json", record)

    def costs(self) -> list[CostRecord]:
        """Every readable cost record."""
        return list(self._all("costs", CostRecord))

    def write_asked(self, record: AskedRecord, protocol: str) -> None:
        """Note that a run asked for this variant; one file per protocol and model."""
        self._write(f"asked/{protocol}/{slug(record.model)}.json", record)

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
        name = f"truth/{protocol}.npz"
        try:
            content = self._content(name) or b""
            keypoints, groups, fold_of_row = unsealed_arrays(content, "keypoints", "groups", "fold_of_row")
            if keypoints.ndim != 3 or not groups.shape == fold_of_row.shape == keypoints.shape[:1]:
                raise ValueError("labels of unlike lengths")
        except (ValueError, OSError) as error:
            path = self.out / name
            raise RecordError(f"{path}: labels missing or damaged; `bench run` on the same data writes them") from error
        return keypoints.astype(np.float32), groups.astype(np.int64), fold_of_row.astype(np.int64)

    def pack(self) -> list[Path]:
        """Write every sound record compressed, without pictures or weights, under ``records/``; returns the files.

        The folders beside it may go then: the store reads either.

        Raises:
            RecordError: a file cannot be read or written.
        """
        groups: dict[str, dict[str, bytes]] = {}
        for cell in sorted(self.cells(), key=lambda cell: (cell.seed, cell.fold)):
            group = groups.setdefault(slug(f"{cell.model}-{cell.variant_digest}"), {})
            name = _cell_name(cell.model, cell.key)
            try:
                if cell.status == "ok":
                    group[f"{name}.npz"] = self._sealed(cell)
                group[f"{name}.json"] = self._content(f"{name}.json") or b""
            except RecordError as error:
                logger.warning("%s", error)
        with _refusals_told("read"):
            for folder in ("asked", "costs", "latency", "truth"):
                groups[folder] = {name: self._content(name) or b"" for name in self._names(folder)}
        with _refusals_told("written"):
            return write_packed(self.out / "records", groups)

    def _sealed(self, record: CellRecord) -> bytes:
        """The array file of a cell, found to be the one that the record sealed."""
        name = f"{_cell_name(record.model, record.key)}.npz"
        path = self.out / name
        try:
            content = self._content(name)
        except OSError as error:
            raise RecordError(f"{path}: cannot be read ({error.strerror}); `bench run` makes it again") from error
        if content is None:
            raise RecordError(f"{path}: missing; `bench run` makes it again")
        if hashlib.sha256(content).hexdigest() != record.predictions_sha256:
            set_aside(path)
            raise RecordError(f"{path}: does not match its record; `bench run` makes it again")
        return content

    def _write(self, name: str, record: Versioned) -> None:
        _put(self.out / name, sealed_text(record.model_dump_json(by_alias=True, indent=1)))

    def _all(self, folder: str, kind: type[Record], file_of: Callable[[Record], str] | None = None) -> Iterator[Record]:
        for name in self._names(folder):
            record = self.read(name, kind, file_of)
            if record is not None:
                yield record

    def _names(self, folder: str) -> list[str]:
        """Names of the records in a folder, or of its arrays, in a stable order; packed or not."""
        suffix = ".npz" if folder == "truth" else ".json"
        loose = {path.relative_to(self.out).as_posix() for path in (self.out / folder).rglob(f"*{suffix}")}
        packed = {name for name in self._packed.names() if name.startswith(f"{folder}/") and name.endswith(suffix)}
        return sorted(loose | packed)

    def _content(self, name: str) -> bytes | None:
        """A file of the store by its name under ``out``; None where there is none, packed or not."""
        try:
            return read_regular(self.out / name)
        except (FileNotFoundError, NotADirectoryError):
            return self._packed.read(name)

    def read(self, name: str, kind: type[Record], file_of: Callable[[Record], str] | None = None) -> Record | None:
        """The record in a file of the store; None where there is none, or none that can be read, which is told.

        ``file_of`` names the file that a record belongs in: one that stands in another's place is damage.
        """
        path = self.out / name
        try:
            content = self._content(name)
            record = kind.model_validate_json(unsealed_text(content)) if content is not None else None
            if record is not None and file_of is not None and file_of(record) != name:
                raise ValueError("the record of another")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else type(error).__name__
            of_another_bench = isinstance(error, ValidationError) and error.errors()[0]["type"] != "json_invalid"
            if isinstance(error, OSError) or of_another_bench:
                logger.warning("%s: unreadable record passed over (%s)", path, reason)
            else:
                logger.warning(
                    "%s: damaged record set aside (%s); the command that made it makes it again", path, reason
                )
                set_aside(path)
            return None
        if record is not None and record.schema_version > SCHEMA:
            logger.warning("%s: written by a newer bench (schema %s), passed over", path, record.schema_version)
            return None
        return record


def _cell_name(model: str, key: str) -> str:
    return f"cells/{slug(model)}/{key}"


def _cell_file(record: CellRecord) -> str:
    return f"{_cell_name(record.model, record.key)}.json"


def _put(path: Path, content: bytes) -> None:
    with _refusals_told("written"):
        write_bytes(path, content)


@contextmanager
def _refusals_told(done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordError(f"{error.filename}: cannot be {done} ({error.strerror}); mend that and run again") from error
