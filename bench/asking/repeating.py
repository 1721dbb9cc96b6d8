"""A recorded cell trained again, and whether it came out as its record says.

A training repeats bit for bit on a machine like that of its record; on another kind of machine it rounds otherwise and
ends elsewhere, as with another order of the same sums, and what it may differ by there was measured (:data:`NETWORK`).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.config.model_names import architecture_of
from bench.errors import ConfigError
from bench.faces.face_set import FaceSource
from bench.measuring.accuracy import rmse_px
from bench.records.schema import CellRecord, CurvePoint, Kind, Verdict, Verification
from bench.running.local import LocalEngine
from bench.running.plan import Cell
from bench.running.sources import GIVEN, UNKNOWN, is_of_earlier_code, start_digest
from bench.running.task import FoldOutcome, FoldTask, cell_seed


@dataclass(frozen=True)
class Nearness:
    """How far a training may end from itself on another kind of machine.

    Attributes:
        rms_share: root mean square of the differences of all coordinates, as a share of the cell's RMSE.
        rmse_share: difference of the two RMSEs against the labels, as a share of the recorded one.
        largest_share: largest difference of any coordinate, in those root mean squares.
    """

    rms_share: float
    rmse_share: float
    largest_share: float


NETWORK = Nearness(0.77, 0.07, 13.0)
"""One and a half times the most that was measured: `benchmarks/RESULTS.md`, 'The same training on another kind of
machine'."""
GATE = Nearness(0.02, 0.002, 200.0)
"""Rounding leads no gate astray: the same bits were measured, and this is for neighbours that change places."""

LIKE = ("processor", "flags")
"""Of an environment, what must be equal beside kernels and versions before equal bits are due: a library may take
other ways on a processor of another make that has the same instructions."""


@dataclass(frozen=True)
class Repeatable:
    """What is needed to train recorded cells again.

    Attributes:
        source: the faces.
        keypoints: float32 (N, K, 2), their labels.
        fold_of_row: int64 (N,).
        environment: of this machine.
    """

    source: FaceSource
    keypoints: NDArray[np.float32]
    fold_of_row: NDArray[np.int64]
    environment: Mapping[str, Any]

    def cell(self, record: CellRecord) -> Cell:
        """The work that the record is of; its kernels are those of this machine."""
        from bench.training.precision import kernels

        task = FoldTask(
            source=self.source,
            fingerprint=record.dataset.fingerprint,
            model=architecture_of(record.model),
            variant=record.variant,
            train_rows=np.flatnonzero(self.fold_of_row != record.fold),
            scored_rows=np.flatnonzero(self.fold_of_row == record.fold),
            seed=cell_seed(record.protocol.seed, record.fold, record.seed),
        )
        here = kernels(record.variant.device)
        return Cell(record.key, record.model, record.kind, record.fold, record.seed, record.variant_digest, here, task)


def hindrance(record: CellRecord) -> str | None:
    """Why a cell cannot be trained again here; None where nothing speaks against it."""
    from bench.training.precision import resolve_device

    variant = record.variant
    if variant.source in (GIVEN, UNKNOWN) or not variant.code_digest:
        return "its code was given in a notebook or is not noted"
    if is_of_earlier_code(record.kind, variant):
        commit = record.environment.get("commit")
        return "other code made it" + (f" (commit {commit[:7]})" if isinstance(commit, str) else "")
    if start_digest(variant.options).get("weights") != variant.versions.get("weights"):
        return "the weights that it starts from are not here"
    try:
        resolve_device(variant.device)
    except ConfigError:
        return f"it was trained on {variant.device}, which is not here"
    return None


@dataclass(frozen=True)
class _Told:
    """The engine's listener."""

    records: Mapping[str, CellRecord]
    on_ended: Callable[[CellRecord, FoldOutcome, str], None]

    def cell_started(self, cell: Cell) -> bool:
        return cell.key in self.records

    def epoch_ended(self, cell: Cell, point: CurvePoint) -> None:
        """An epoch is of no interest here."""

    def cell_ended(self, cell: Cell, outcome: FoldOutcome, attempts: int) -> None:
        del attempts  # how often it was tried says nothing about the record
        self.on_ended(self.records[cell.key], outcome, cell.kernels)


def repeat(
    records: Sequence[CellRecord],
    means: Repeatable,
    workers: int,
    on_ended: Callable[[CellRecord, FoldOutcome, str], None],
) -> None:
    """Train cells again, as a run would; ``on_ended`` gets each with what came of it and the kernels used."""
    told = _Told({record.key: record for record in records}, on_ended)
    for threads in sorted({record.variant.threads for record in records}):
        cells = [means.cell(record) for record in records if record.variant.threads == threads]
        with closing(LocalEngine(min(workers, len(cells)), threads)) as engine:
            engine(cells, told)


def compared(
    record: CellRecord,
    known: NDArray[np.float32],
    repeated: NDArray[np.float32],
    means: Repeatable,
    kernels: str,
) -> Verification:
    """What the repetition says of a record.

    Args:
        record: with its predictions ``known``, float32 (n, K, 2) in pixels, in the order of its fold's rows.
        repeated: the same, trained again with ``kernels``.
        means: labels and machine.
    """
    truth = means.keypoints[means.fold_of_row == record.fold]
    apart = np.abs(repeated.astype(np.float64) - known)
    rms_px, largest_px = float(np.sqrt(np.mean(apart**2))), float(apart.max(initial=0))
    errors = (rmse_px(known, truth), rmse_px(repeated, truth))
    like = is_like(record, means.environment, kernels)
    verdict: Verdict = "otherwise"
    if known.tobytes() == repeated.tobytes():
        verdict = "same bits"
    elif not like and _is_near(record.kind, rms_px, largest_px, errors):
        verdict = "near"
    return Verification(
        key=record.key,
        model=record.model,
        fold=record.fold,
        seed=record.seed,
        predictions_sha256=record.predictions_sha256 or "",
        verdict=verdict,
        like=like,
        differing=int(np.count_nonzero(apart)),
        rms_px=rms_px,
        largest_px=largest_px,
        recorded_rmse_px=errors[0],
        repeated_rmse_px=errors[1],
        kernels=kernels,
        verified=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=dict(means.environment),
    )


def flattery(found: Sequence[Verification]) -> float | None:
    """By what share networks' records are better, on average, than their repetitions; None where chance explains it.

    One cell may differ by :data:`NETWORK`'s share to either side, so the mean of n by its n-th root less.
    """
    shares = [one.repeated_rmse_px / one.recorded_rmse_px - 1 for one in found if one.verdict == "near"]
    if not shares:
        return None
    mean = float(np.mean(shares))
    return mean if mean > NETWORK.rmse_share / len(shares) ** 0.5 else None


def is_like(record: CellRecord, environment: Mapping[str, Any], kernels: str) -> bool:
    """Whether this machine must come to the very bits of a record. Accelerators do not promise that."""
    alike = record.kernels == kernels and all(record.environment.get(name) == environment.get(name) for name in LIKE)
    versions = {name: told for name, told in record.variant.versions.items() if name != "weights"}
    return alike and record.variant.device == "cpu" and versions == {name: _version(name) for name in versions}


def _is_near(kind: Kind, rms_px: float, largest_px: float, errors: tuple[float, float]) -> bool:
    known, (recorded, repeated) = NETWORK if kind == "network" else GATE, errors
    return (
        rms_px <= known.rms_share * recorded
        and abs(repeated - recorded) <= known.rmse_share * recorded
        and largest_px <= known.largest_share * rms_px
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
