"""Weights to use: one network trained on all rows."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.config.model_names import architecture_of, refuse_ensemble
from bench.config.settings import Config
from bench.errors import ConfigError, ModelError
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces
from bench.measuring.accuracy import rmse_px
from bench.records.files import slug
from bench.records.schema import CurvePoint, VariantFacts
from bench.records.tuned import load_tuned
from bench.records.weight_facts import SUFFIX, seen_data
from bench.running.task import FoldTask, cell_seed
from bench.running.variants import network_variant
from bench.running.worker_process import WorkerProcess

NO_FOLD = -1


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves. ``training_rmse_px`` is over the rows trained on: it says nothing about new faces."""

    weights: Path
    model: str
    rows: int
    epochs: int
    train_seconds: float
    training_rmse_px: float


def fitted_path(out: Path, model: str) -> Path:
    """Where ``bench fit`` puts a model's weights and ``bench predict`` looks for them."""
    return out / "fitted" / f"{slug(model)}{SUFFIX}"


def fitted_variant(config: Config, model: str) -> VariantFacts:
    """How ``model`` is trained on all rows; ``NAME@tuned`` takes what the search found for its first outer fold.

    Raises:
        ConfigError: an ensemble, or nothing was searched for a tuned model.
        DataError: the faces, whose points and frame it is built for, cannot be used.
        ModelError: damaged weights to start from.
        ArchitectureError: unknown model or option.
    """
    refuse_ensemble(model)
    name = architecture_of(model)
    if name != model:
        tuned = load_tuned(config.run.out, name)
        config = config.with_found(name, tuned.options, tuned.recipe)
    variant = network_variant(config, name, load_faces(FaceSource.of(config).without_groups()).scheme)
    start = variant.options.get("weights")
    if isinstance(start, str):
        seen_data(Path(start))  # of which faces is the user's affair here, but not what became of the file
    return variant


def fit(
    config: Config, model: str, variant: VariantFacts, path: Path, on_epoch: Callable[[CurvePoint], None]
) -> Fitted:
    """Train ``model``, as its :func:`fitted_variant` says, on all rows in a process of its own; weights at ``path``.

    Raises:
        DataError, ConfigError: told before anything trains.
        ModelError: the training failed; nothing is written then.
    """
    if path.suffix != SUFFIX:
        raise ConfigError(f"--to {path}: weights are stored as safetensors; let the name end in {SUFFIX}")
    run = config.run
    source = FaceSource.of(config)
    faces = load_faces(source)
    rows = np.arange(faces.rows)
    task = FoldTask(
        source=source,
        fingerprint=faces.fingerprint,
        model=architecture_of(model),
        variant=variant,
        train_rows=rows,
        scored_rows=rows,
        seed=cell_seed(run.seed, NO_FOLD, 0),
        keep_weights=str(path),
    )
    with closing(WorkerProcess(variant.threads)) as worker:
        outcome = worker.run(task, on_epoch)
    if outcome.predictions is None or outcome.train_seconds is None:
        raise ModelError(f"model {model}: the fit failed: {outcome.cause}: {outcome.reason}")
    return Fitted(
        path,
        model,
        faces.rows,
        task.recipe.epochs,
        outcome.train_seconds,
        rmse_px(outcome.predictions, faces.keypoints),
    )
