"""The store under ``--out``: one file per record, written the moment its cell ends."""

import hashlib
import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from bench.errors import RecordError
from bench.records.atomic import write_bytes
from bench.records.keys import digest
from bench.records.schema import SCHEMA, AskedRecord, CellRecord, CostRecord, LatencyRecord, Stored

logger = logging.getLogger(__name__)

Record = TypeVar("Record", bound=Stored)


def slug(name: str) -> str:
    """A folder name for an architecture that cannot leave its folder: safe letters plus a short hash."""
    safe = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:40]
    return f"{safe}-{digest(name)[:6]}"


class RecordStore:
    """Records of one ``--out`` folder.

    Reading never fails as a whole: a damaged file is logged and passed over. What writes raises RecordError where the
    disk refuses.
    """

    def __init__(self, out: Path) -> None:
        self.out = out

    def cell_path(self, model: str, key: str) -> Path:
        """Where the record of a cell stands; its arrays stand beside it as ``.npz``."""
        return self.out / "cells" / slug(model) / f"{key}.json"

    def write_cell(
        self, record: CellRecord, rows: NDArray[np.int64] | None, predictions: NDArray[np.float32] | None
    ) -> CellRecord:
        """Store one cell, arrays first: the JSON file is what makes it count.

        Args:
            record: the facts; its ``predictions_sha256`` is filled in here.
            rows: int64 (n,), row numbers of the scored rows; None for a failed cell.
            predictions: float32 (n, 15, 2) in pixels, in the order of ``rows``; None for a failed cell.
        """
        path = self.cell_path(record.model, record.key)
        if rows is not None and predictions is not None:
            stream = io.BytesIO()
            np.savez(stream, rows=rows.astype(np.int64), predictions=predictions.astype(np.float32))
            content = stream.getvalue()
            _put(path.with_suffix(".npz"), content)
            record = record.model_copy(update={"predictions_sha256": hashlib.sha256(content).hexdigest()})
        _put(path, record.model_dump_json(by_alias=True, indent=1).encode())
        return record

    def read_cell(self, model: str, key: str) -> CellRecord | None:
        """The stored record of a cell, or None where there is none that can be read."""
        path = self.cell_path(model, key)
        return _read(path, CellRecord) if path.exists() else None

    def cells(self) -> Iterator[CellRecord]:
        """Every readable cell record, in a stable order."""
        for path in sorted((self.out / "cells").glob("*/*.json")):
            record = _read(path, CellRecord)
            if record is not None:
                yield record

    def predictions(self, record: CellRecord) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows int64 (n,) and predicted pixels float32 (n, 15, 2) of a cell.

        Raises:
            RecordError: the array file is missing or is not the one that the record sealed.
        """
        path = self.cell_path(record.model, record.key).with_suffix(".npz")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise RecordError(f"{path}: cannot be read ({error.strerror}); `bench run` makes it again") from error
        if hashlib.sha256(content).hexdigest() != record.predictions_sha256:
            raise RecordError(f"{path}: does not match its record; `bench run` makes it again")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return np.asarray(arrays["rows"], np.int64), np.asarray(arrays["predictions"], np.float32)

    def write_latency(self, record: LatencyRecord) -> None:
        """Store raw timings."""
        self._write("latency", record.key, record)

    def latencies(self) -> list[LatencyRecord]:
        """Every readable latency record."""
        return self._read_all("latency", LatencyRecord)

    def write_cost(self, record: CostRecord) -> None:
        """Store the static costs of a variant."""
        self._write("costs", f"{slug(record.model)}-{record.variant_digest}", record)

    def costs(self) -> list[CostRecord]:
        """Every readable cost record."""
        return self._read_all("costs", CostRecord)

    def write_asked(self, record: AskedRecord, protocol: str) -> None:
        """Note that a run asked for this variant; one file per protocol and model."""
        self._write(f"asked/{protocol}", slug(record.model), record)

    def asked(self) -> list[AskedRecord]:
        """What runs asked for, newest last."""
        found = [
            record for path in sorted((self.out / "asked").glob("*/*.json")) if (record := _read(path, AskedRecord))
        ]
        return sorted(found, key=lambda record: (record.asked, record.order))

    def write_truth(
        self,
        protocol: str,
        keypoints: NDArray[np.float32],
        groups: NDArray[np.int64],
        fold_of_row: NDArray[np.int64],
    ) -> None:
        """Store labels (no pictures) once per protocol, so that reports need no data; damaged ones are replaced."""
        path = self.out / "truth" / f"{protocol}.npz"
        if path.exists():
            try:
                self.truth(protocol)
                return
            except RecordError as error:
                logger.warning("%s", error)
        stream = io.BytesIO()
        np.savez(stream, keypoints=keypoints, groups=groups, fold_of_row=fold_of_row)
        _put(path, stream.getvalue())

    def truth(self, protocol: str) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
        """Keypoints (N, 15, 2), groups (N,) and fold of each row (N,) of a protocol.

        Raises:
            RecordError: it was never stored or is damaged.
        """
        path = self.out / "truth" / f"{protocol}.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return arrays["keypoints"], arrays["groups"], arrays["fold_of_row"]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise RecordError(f"{path}: labels missing or damaged; `bench run` on the same data writes them") from error

    def _write(self, folder: str, name: str, record: Stored) -> None:
        _put(self.out / folder / f"{name}.json", record.model_dump_json(by_alias=True, indent=1).encode())

    def _read_all(self, folder: str, kind: type[Record]) -> list[Record]:
        paths = sorted((self.out / folder).glob("*.json"))
        return [record for path in paths if (record := _read(path, kind)) is not None]


def _put(path: Path, content: bytes) -> None:
    try:
        write_bytes(path, content)
    except OSError as error:
        raise RecordError(f"{path}: cannot be written ({error.strerror}); mend that and run again") from error


def _read(path: Path, kind: type[Record]) -> Record | None:
    try:
        record = kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        logger.warning("%s: unreadable record passed over (%s)", path, type(error).__name__)
        return None
    version = getattr(record, "schema_version", SCHEMA)
    if version > SCHEMA:
        logger.warning("%s: written by a newer bench (schema %s), passed over", path, version)
        return None
    return record
