"""One fold of work: what a worker needs to train and score, and what it gives back. Picklable, no torch at the top."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.config.recipe import Recipe
from bench.faces.face_set import FaceSource
from bench.records.keys import digest
from bench.records.schema import CurvePoint, FailureCause, VariantFacts


def cell_seed(run_seed: int, fold: int, seed: int) -> int:
    """The seed of one cell's initial weights, shuffling and augmentation; the same for every architecture."""
    return int(digest({"seed": run_seed, "fold": fold, "repeat": seed}), 16) % (2**31)


@dataclass(frozen=True)
class GiveUp:
    """Stop a training that is worth no further epoch: it misses by ``rmse_px`` or more after ``epoch`` epochs.

    An infinite ``rmse_px`` stops nothing; the outcome then only tells the error at that epoch.
    """

    epoch: int
    rmse_px: float


@dataclass(frozen=True)
class FoldTask:
    """Train one variant on some rows and predict others.

    Attributes:
        source: the faces; the worker opens them itself (memory-mapped, so workers share pages).
        fingerprint: the faces' expected digest; a file that changed since is refused.
        model: registry name, ``timm:NAME`` or ``FILE.py:NAME``, or the name of a gate.
        variant: options, recipe, device, precision and threads, with nothing left ``auto``.
        train_rows, scored_rows: int64 row numbers; disjoint.
        seed: of initial weights, shuffling and augmentation.
        keep_weights: where to put the trained weights (safetensors), if anywhere.
        give_up: looks at the scored rows while training, so it is for inner folds alone: no cell of a run has it.
    """

    source: FaceSource
    fingerprint: str
    model: str
    variant: VariantFacts
    train_rows: NDArray[np.int64]
    scored_rows: NDArray[np.int64]
    seed: int
    keep_weights: str | None = None
    give_up: GiveUp | None = None

    @property
    def recipe(self) -> Recipe:
        """Short for the variant's; a gate has none (ValueError)."""
        return self.variant.network_recipe


@dataclass(frozen=True)
class FoldOutcome:
    """What one fold gave. ``cause`` is None when it succeeded.

    ``predictions`` is float32 (len(scored_rows), K, 2) in pixels; ``mark_px`` is the RMSE at ``give_up.epoch``;
    ``in_any_process`` says of a failure that another process would meet it too: a file is away, or is another one.
    """

    predictions: NDArray[np.float32] | None
    curve: tuple[CurvePoint, ...] = ()
    train_seconds: float | None = None
    predict_seconds: float | None = None
    cause: FailureCause | None = None
    reason: str | None = None
    mark_px: float | None = None
    in_any_process: bool = False
