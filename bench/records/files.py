"""The files of a results folder by their names, loose or packed. Nothing here writes, moves or mends one."""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from bench.errors import RecordError
from bench.records.keys import digest, protocol_digest
from bench.records.packed import PackedFiles
from bench.records.reading import read_regular
from bench.records.schema import SCHEMA, AskedRecord, CellRecord, CostRecord, LatencyRecord, Verification, Versioned
from bench.records.sealing import unsealed_arrays, unsealed_text

Record = TypeVar("Record", bound=Versioned)
Trouble = Literal["damaged", "foreign", "newer", "unreadable"]
"""Why a file is of no use: not what was sealed; no record of this bench's; a later bench's; or the disk refuses it."""

BESIDE_CELLS = {
    "asked": (".json",),
    "conflicts": (".json", ".npz"),
    "costs": (".json",),
    "latency": (".json",),
    "truth": (".npz",),
    "verified": (".json",),
}
"""Every other folder of records, and what its files are."""

FileOf = Callable[[Record], str]
"""Names the file that a record belongs in."""


class UnusableError(RecordError):
    """A file of a results folder that cannot be used; ``reason`` says more of its ``trouble``."""

    def __init__(self, path: Path, trouble: Trouble, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.trouble, self.reason = trouble, reason


def slug(name: str) -> str:
    """A folder name for an architecture that cannot leave its folder: safe letters plus a short hash."""
    safe = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:40]
    return f"{safe}-{digest(name)[:6]}"


def cell_name(model: str, key: str) -> str:
    """Where a cell belongs, without ``.json`` of its record and ``.npz`` of its arrays."""
    return f"cells/{slug(model)}/{key}"


def cell_file(record: CellRecord) -> str:
    """Where the record of a cell belongs."""
    return f"{cell_name(record.model, record.key)}.json"


def conflict_name(record: CellRecord) -> str:
    """Where a cell is kept whose place another one has, which predicted otherwise; without its endings."""
    return f"conflicts/{slug(record.model)}/{record.key}-{(record.predictions_sha256 or '')[:12]}"


def conflict_file(record: CellRecord) -> str:
    """Where the record of such a cell belongs."""
    return f"{conflict_name(record)}.json"


def latency_file(record: LatencyRecord) -> str:
    """Where the timings of one setting on one machine belong."""
    return f"latency/{record.key}.json"


def cost_file(record: CostRecord) -> str:
    """Where the costs of a variant belong."""
    return f"costs/{slug(record.model)}-{record.variant_digest}.json"


def verification_file(record: Verification) -> str:
    """Where it belongs how a cell came out with some kernels: one file for each that it was trained again with."""
    of_what = digest({"predictions": record.predictions_sha256, "kernels": record.kernels})
    return f"verified/{slug(record.model)}/{record.key}-{of_what}.json"


def asked_name(protocol: str, model: str) -> str:
    """Where it belongs that a run asked for a model: one file per protocol and model."""
    return f"asked/{protocol}/{slug(model)}.json"


def asked_file(record: AskedRecord) -> str:
    """The same, as the record tells it."""
    return asked_name(protocol_digest(record.dataset, record.protocol), record.model)


class RecordFiles:
    """What stands under a results folder.

    Whatever has no file of its own is read from the packed form under ``records/``; a folder of packed files alone, as
    that one is, can be given too.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        bare = out.is_dir() and not (out / "records").exists() and any(out.glob("*.zip"))
        self.packed = PackedFiles(out if bare else out / "records")

    def names(self, folder: str, suffix: str = ".json") -> list[str]:
        """Names of the files in a folder, in a stable order; packed or not."""
        loose = {path.relative_to(self.out).as_posix() for path in (self.out / folder).rglob(f"*{suffix}")}
        packed = {name for name in self.packed.names() if name.startswith(f"{folder}/") and name.endswith(suffix)}
        return sorted(loose | packed)

    def content(self, name: str) -> bytes | None:
        """A file by its name under ``out``; None where there is none, packed or not.

        Raises:
            OSError: it cannot be read.
        """
        try:
            return read_regular(self.out / name)
        except (FileNotFoundError, NotADirectoryError):
            return self.packed.read(name)

    def load(self, name: str, kind: type[Record], file_of: FileOf[Record] | None = None) -> Record | None:
        """The record in a file; None where there is none.

        Raises:
            UnusableError: it cannot be used, or stands in the place of another (``file_of``), which is damage.
        """
        path = self.out / name
        try:
            content = self.content(name)
            text = unsealed_text(content) if content is not None else None
            record = kind.model_validate_json(text) if text is not None else None
            if record is not None and file_of is not None and file_of(record) != name:
                raise ValueError("the record of another")
        except OSError as error:
            raise UnusableError(path, "unreadable", str(error.strerror)) from error
        except ValidationError as error:
            if error.errors()[0]["type"] == "json_invalid":
                raise UnusableError(path, "damaged", type(error).__name__) from error
            schema = _schema_of(text or b"")
            if schema > SCHEMA:
                raise UnusableError(path, "newer", f"schema {schema}") from error
            raise UnusableError(path, "foreign", type(error).__name__) from error
        except ValueError as error:
            raise UnusableError(path, "damaged", type(error).__name__) from error
        if record is not None and record.schema_version > SCHEMA:
            raise UnusableError(path, "newer", f"schema {record.schema_version}")
        return record

    def usable(
        self, folder: str, kind: type[Record], file_of: FileOf[Record], on_trouble: Callable[[UnusableError], None]
    ) -> Iterator[tuple[Record, str]]:
        """Every record of a folder that can be used, with its name; ``on_trouble`` is told of the others."""
        for name in self.names(folder):
            try:
                record = self.load(name, kind, file_of)
            except UnusableError as error:
                on_trouble(error)
            else:
                if record is None:
                    on_trouble(UnusableError(self.out / name, "damaged", "damaged in its packed file"))
                else:
                    yield record, name

    def sealed(self, record: CellRecord, name: str | None = None) -> bytes:
        """The array file of a cell, found to be the one that its record sealed; ``name`` where it stands elsewhere.

        Raises:
            UnusableError: it is not, or there is none.
        """
        name = name or f"{cell_name(record.model, record.key)}.npz"
        path = self.out / name
        try:
            content = self.content(name)
        except OSError as error:
            raise UnusableError(path, "unreadable", str(error.strerror)) from error
        if content is None:
            raise UnusableError(path, "unreadable", "missing")
        if hashlib.sha256(content).hexdigest() != record.predictions_sha256:
            raise UnusableError(path, "damaged", "does not match its record")
        return content

    def truth(self, protocol: str) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
        """Keypoints (N, K, 2), groups (N,) and fold of each row (N,) of a protocol.

        Raises:
            UnusableError: it was never stored or is damaged.
        """
        path = self.out / f"truth/{protocol}.npz"
        try:
            content = self.content(f"truth/{protocol}.npz") or b""
            keypoints, groups, fold_of_row = unsealed_arrays(content, "keypoints", "groups", "fold_of_row")
            if keypoints.ndim != 3 or not groups.shape == fold_of_row.shape == keypoints.shape[:1]:
                raise ValueError("labels of unlike lengths")
        except (ValueError, OSError) as error:
            reason = "labels missing or damaged; `bench run` on the same data writes them"
            raise UnusableError(path, "damaged", reason) from error
        return keypoints.astype(np.float32), groups.astype(np.int64), fold_of_row.astype(np.int64)


def cell_arrays(content: bytes, record: CellRecord, path: Path) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows int64 (n,) and predicted pixels float32 (n, K, 2) out of the array file of a cell.

    Raises:
        UnusableError: no such arrays, or not those of its record; ``path`` is named.
    """
    try:
        rows, predictions = unsealed_arrays(content, "rows", "predictions")
    except ValueError as error:
        raise UnusableError(path, "damaged", "not the arrays of a cell") from error
    shape = (record.scored_rows, record.dataset.scheme.keypoints, 2)
    if rows.shape != shape[:1] or predictions.shape != shape or ((rows < 0) | (rows >= record.dataset.rows)).any():
        raise UnusableError(path, "damaged", "not the rows and points of its record")
    return rows.astype(np.int64), predictions.astype(np.float32)


def _schema_of(text: bytes) -> int:
    """What a record says of its version, whatever else it may say; 0 where it says nothing."""
    try:
        return Versioned.model_validate_json(text).schema_version
    except ValidationError:
        return 0
