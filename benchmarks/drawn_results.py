"""Draws a results folder: records of models that never trained, with errors whose size and spread are chosen.

For measuring and testing what reads results, in any number of models.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.config.recipe import Recipe
from bench.faces.folds import assign_group_folds, folds_digest
from bench.records.keys import cell_key, protocol_digest, variant_digest
from bench.records.schema import (
    AskedRecord,
    CellRecord,
    CostRecord,
    CurvePoint,
    DatasetFacts,
    Kind,
    LatencyRecord,
    ProtocolFacts,
    VariantFacts,
)
from bench.records.store import RecordStore
from bench.scheme import SEED_SCHEME, Scheme

MOMENT = "2026-01-02T03:04:05+00:00"
ENVIRONMENT = {
    "processor": "Drawn Processor 9", "flags": ["avx2"], "cores": 2, "cores_usable": 2, "memory_gb": 16.0,
    "system": "Linux x86_64", "os": "Linux", "python": "3.11.0", "torch": "2.14.1", "timm": "1.0.31",
}  # fmt: skip
FACE_SHAPE = np.array(
    [(66, 38), (30, 38), (59, 38), (73, 38), (37, 38), (23, 38), (56, 30), (80, 30), (40, 30), (16, 30),
     (48, 57), (63, 74), (33, 74), (48, 72), (48, 82)], dtype=np.float32,
)  # fmt: skip
"""A frontal face in pixels, in the order of the keypoint names."""


@dataclass(frozen=True)
class DrawnModel:
    """A model to draw: how far it misses, and what it costs.

    ``noise_px`` is the standard deviation of its own error per coordinate; ``failed_folds`` have failed cells.
    """

    name: str
    noise_px: float
    kind: Kind = "network"
    parameters: int = 1_000_000
    latency_ms: float | None = 5.0
    failed_folds: Sequence[int] = ()
    reason: str = "loss became infinite in epoch 3"
    epochs: int = 30


@dataclass(frozen=True)
class DrawnResults:
    """What is drawn: the models under one protocol of ``folds`` x ``seeds`` over ``rows`` of ``people``."""

    models: Sequence[DrawnModel]
    rows: int = 200
    people: int = 50
    folds: int = 5
    seeds: int = 1
    quick: bool = False
    dataset_name: str = "drawn.csv"
    unlabelled_fraction: float = 0.02
    seed: int = field(default=0, kw_only=True)
    scheme: Scheme = field(default=SEED_SCHEME, kw_only=True)


def draw_results(out: Path, wanted: DrawnResults, fingerprint: str = "0123456789abcdef") -> RecordStore:
    """Write the records of ``wanted`` under ``out`` through the store."""
    generator = np.random.default_rng(wanted.seed)
    truth, groups = _faces(wanted, generator)
    fold_of_row = assign_group_folds(groups, wanted.folds, generator, wanted.dataset_name)
    dataset = DatasetFacts(
        name=wanted.dataset_name, fingerprint=fingerprint, rows=wanted.rows, groups=wanted.people,
        grouping="column:person", people_known=True, scheme=wanted.scheme,
    )  # fmt: skip
    protocol = ProtocolFacts(folds=wanted.folds, seed=0, folds_digest=folds_digest(fold_of_row), quick=wanted.quick)
    store = RecordStore(out)
    store.write_truth(protocol_digest(dataset, protocol), truth, groups, fold_of_row)
    shared = generator.normal(0, 0.8, size=truth.shape) * generator.gamma(2, 0.5, size=(wanted.rows, 1, 1))
    painter = _Painter(store, wanted, dataset, protocol, np.nan_to_num(truth, nan=48.0), fold_of_row, shared)
    for order, model in enumerate(wanted.models):
        painter.draw(model, order, generator)
    return store


def _faces(wanted: DrawnResults, generator: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    groups = np.sort(np.arange(wanted.rows) % wanted.people).astype(np.int64)
    shift = generator.normal(0, 2.5, size=(wanted.rows, 1, 2))
    shape = (wanted.rows, wanted.scheme.keypoints, 2)
    place = (
        FACE_SHAPE if wanted.scheme == SEED_SCHEME else generator.uniform(0.2, 0.8, shape[1:]) * wanted.scheme.side_px
    )
    truth = (place + shift + generator.normal(0, 1.2, size=shape)).astype(np.float32)
    truth[generator.random(shape[:2]) < wanted.unlabelled_fraction] = np.nan
    return truth, groups


@dataclass(frozen=True)
class _Painter:
    store: RecordStore
    wanted: DrawnResults
    dataset: DatasetFacts
    protocol: ProtocolFacts
    truth: NDArray[np.float32]
    fold_of_row: NDArray[np.int64]
    shared_px: NDArray[np.float64]

    def draw(self, model: DrawnModel, order: int, generator: np.random.Generator) -> None:
        network = model.kind == "network"
        recipe = Recipe(epochs=model.epochs, loss="wing", lr=0.003) if network else None
        variant = VariantFacts(recipe=recipe, versions={"torch": "2.14.1"})
        name = variant_digest(model.name, variant)
        seeds = self.wanted.seeds if network else 1
        protocol = protocol_digest(self.dataset, self.protocol)
        asked = AskedRecord(
            model=model.name, kind=model.kind, variant_digest=name, seeds=seeds, dataset=self.dataset,
            protocol=self.protocol, asked=MOMENT, order=order, environment=ENVIRONMENT,
        )  # fmt: skip
        self.store.write_asked(asked, protocol)
        for seed in range(seeds):
            for fold in range(1 if self.wanted.quick else self.wanted.folds):
                self._draw_cell(model, variant, (fold, seed), generator)
        if network:
            self._draw_costs(model, name, generator)

    def _draw_cell(
        self, model: DrawnModel, variant: VariantFacts, place: tuple[int, int], generator: np.random.Generator
    ) -> None:
        fold, seed = place
        rows = np.flatnonzero(self.fold_of_row == fold).astype(np.int64)
        failed = fold in model.failed_folds
        name = variant_digest(model.name, variant)
        record = CellRecord(
            key=cell_key(name, protocol_digest(self.dataset, self.protocol), fold, seed, ""),
            status="failed" if failed else "ok", kind=model.kind, model=model.name, fold=fold, seed=seed,
            dataset=self.dataset, protocol=self.protocol, variant=variant, variant_digest=name,
            train_rows=self.wanted.rows - len(rows), scored_rows=len(rows),
            cause="diverged" if failed else None, reason=model.reason if failed else None,
            curve=_curve(model, generator) if model.kind == "network" else [],
            train_seconds=model.epochs * 0.7, predict_seconds=0.1, environment=ENVIRONMENT,
        )  # fmt: skip
        own = generator.normal(0, model.noise_px, size=(len(rows), *self.truth.shape[1:])) * generator.gamma(
            3, 1 / 3, (len(rows), 1, 1)
        )
        predicted = self.truth[rows] + self.shared_px[rows] + own
        self.store.write_cell(record, None if failed else rows, None if failed else predicted.astype(np.float32))

    def _draw_costs(self, model: DrawnModel, name: str, generator: np.random.Generator) -> None:
        cost = CostRecord(
            model=model.name, variant_digest=name, parameters=model.parameters, trainable_parameters=model.parameters,
            macs=model.parameters * 25, weights_mb=model.parameters * 4 / 1e6,
        )  # fmt: skip
        self.store.write_cost(cost)
        if model.latency_ms is None:
            return
        samples = model.latency_ms * (1 + generator.gamma(2, 0.02, size=(6, 100)))
        latency = LatencyRecord(
            key=name, model=model.name, variant_digest=name, batch=1, threads=1, device="cpu", precision="float32",
            memory_format="channels_last", samples_ms=samples.tolist(), peak_memory_mb=310.0, measured=MOMENT,
            environment=ENVIRONMENT,
        )  # fmt: skip
        self.store.write_latency(latency)


def _curve(model: DrawnModel, generator: np.random.Generator) -> list[CurvePoint]:
    losses = (
        model.noise_px * (1 + 6 * np.exp(-np.arange(model.epochs) / 6)) * generator.gamma(400, 1 / 400, model.epochs)
    )
    return [
        CurvePoint(epoch=epoch, train_loss=float(loss), seconds=0.7 * epoch, learning_rate=0.003)
        for epoch, loss in enumerate(losses, start=1)
    ]
