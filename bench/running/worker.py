"""Folds, inside a worker process: open the faces, build, train, predict. Failures come back as values."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError, DataError
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.loading import load_faces
from bench.gates import GATES, predict_gate
from bench.measuring.accuracy import rmse_px
from bench.records.schema import CurvePoint, FailureCause
from bench.running.sources import is_users_own, refuse_changed_code
from bench.running.task import FoldOutcome, FoldTask, GiveUp

if TYPE_CHECKING:
    from torch import nn

    from bench.training.turns import Turns

OnEpoch = Callable[[CurvePoint], None]


def run_fold(task: FoldTask, on_epoch: OnEpoch) -> FoldOutcome:
    """Train on ``task.train_rows`` and predict ``task.scored_rows``.

    Whatever goes wrong becomes an outcome with ``cause`` and ``reason``; only what ``on_epoch`` raises passes through.
    """
    outcomes: list[FoldOutcome] = []
    run_folds([task], lambda _, point: on_epoch(point), lambda _, outcome: outcomes.append(outcome))
    return outcomes[0]


def run_folds(
    tasks: Sequence[FoldTask], on_epoch: Callable[[int, CurvePoint], None], on_end: Callable[[int, FoldOutcome], None]
) -> None:
    """Do as :func:`run_fold` for tasks of one device, side by side; the listeners hear the place of a task first."""
    from bench.training.turns import in_turns

    folds = [_fold(task, partial(on_epoch, place)) for place, task in enumerate(tasks)]
    for place, outcome in in_turns(folds, tasks[0].variant.device):
        on_end(place, outcome)


def _fold(task: FoldTask, on_epoch: OnEpoch) -> "Turns[FoldOutcome]":
    raised: list[Exception] = []

    def told(point: CurvePoint) -> None:
        try:
            on_epoch(point)
        except Exception as error:
            raised.append(error)  # no failure of the network, which must not swallow it either
            raise

    try:
        faces = open_faces(task.source, task.fingerprint)
        if task.model in GATES:
            return _run_gate(task, faces)
        return (yield from _run_network(task, faces, told))
    except (Exception, SystemExit) as error:
        if any(error is one for one in raised):
            raise
        return failed(error)


def failed(error: BaseException) -> FoldOutcome:
    """The outcome that stands for an exception."""
    from bench.training.loop import Diverged

    cause: FailureCause = "raised"
    if isinstance(error, Diverged):
        cause = "diverged"
    elif isinstance(error, _GaveUp):
        cause = "gave up"
    elif is_out_of_memory(error):
        cause = "out of memory"
    elif isinstance(error, OSError | DataError) or is_device_error(error):
        cause = "circumstance"
    own_words = isinstance(error, BenchError | Diverged | _GaveUp)
    reason = str(error) if own_words else f"{type(error).__name__}: {error}"
    return FoldOutcome(
        None, cause=cause, reason=" ".join(reason.split())[:500], in_any_process=isinstance(error, DataError)
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on the host or on an accelerator."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def is_device_error(error: BaseException) -> bool:
    """Whether an exception comes from an accelerator or its driver. Its process is of no further use then."""
    import torch

    told = str(error).startswith(("CUDA error", "cuDNN error", "MPS backend"))
    return isinstance(error, torch.AcceleratorError) or (isinstance(error, RuntimeError) and told)


@lru_cache(maxsize=2)
def open_faces(source: FaceSource, fingerprint: str) -> FaceSet:
    """The faces of ``source``, opened once per process.

    Raises:
        DataError: the file is not the one that the run was planned with.
    """
    faces = load_faces(source.without_groups())
    if faces.fingerprint != fingerprint:
        raise DataError(f"{faces.name}: changed since the run began; run the command again")
    return faces


def _run_gate(task: FoldTask, faces: FaceSet) -> FoldOutcome:
    train, scored = task.train_rows, task.scored_rows
    started = time.perf_counter()
    predictions = predict_gate(task.model, faces.images[train], faces.keypoints[train], faces.images[scored])
    return FoldOutcome(predictions, train_seconds=time.perf_counter() - started, predict_seconds=None)


def _run_network(task: FoldTask, faces: FaceSet, on_epoch: OnEpoch) -> "Turns[FoldOutcome]":
    import torch

    import architectures
    from bench.training.inputs import MappedPictures
    from bench.training.loop import Examples, Execution, predict, training
    from bench.training.predictor import Predictor

    variant, recipe = task.variant, task.recipe
    torch.set_num_threads(variant.threads)
    # Nobody knows what a user's own network decides in Python at each step.
    replayed = variant.device.startswith("cuda") and not is_users_own(variant)
    execution = Execution(variant.device, variant.precision, task.seed, replayed)
    _seed(task.seed)  # the initial weights are drawn from it
    try:
        entry = architectures.get(task.model)
        module = entry.build(**variant.scheme.dimensions, **variant.options)
    except architectures.ArchitectureError as error:  # it was loaded and built when the run was planned
        raise DataError(f"{error}; it could be built when the run began") from error
    refuse_changed_code(entry, variant)

    predictor = Predictor(module, faces.scheme, flip=recipe.test_time_flip, precision=variant.predict_precision)
    scored = MappedPictures(faces.images, task.scored_rows)

    def report(point: CurvePoint) -> None:
        on_epoch(point)
        if task.give_up is not None and point.epoch == task.give_up.epoch:
            mark_px.append(rmse_px(predict(predictor, scored, variant.device), truth))
            module.train()
            _give_up_if_hopeless(task.give_up, mark_px[0])

    truth = faces.keypoints[task.scored_rows]
    mark_px: list[float] = []
    started = time.perf_counter()
    seen = MappedPictures(faces.images, task.train_rows)
    examples = Examples(seen, torch.from_numpy(faces.keypoints[task.train_rows]), faces.scheme)
    curve = yield from training(module, examples, recipe, execution, report)
    trained = time.perf_counter()
    predictions = predict(predictor, scored, variant.device)
    ended = time.perf_counter()
    if not np.isfinite(predictions).all():
        return FoldOutcome(None, cause="diverged", reason="predictions are not finite")
    if task.keep_weights is not None:
        save_weights(module, task, faces, Path(task.keep_weights))
    return FoldOutcome(
        predictions,
        tuple(curve),
        train_seconds=trained - started,
        predict_seconds=ended - trained,
        mark_px=mark_px[0] if mark_px else None,
    )


def _seed(seed: int) -> None:
    import torch

    torch.manual_seed(seed)
    random.seed(seed)  # bench draws from neither this nor the next, but a user's own network may
    np.random.seed(seed)  # noqa: NPY002


class _GaveUp(Exception):  # noqa: N818  (an outcome that the task asked for, not a mistake)
    """The training missed the mark at which its task wants it to go on."""


def _give_up_if_hopeless(mark: GiveUp, error_px: float) -> None:
    if not error_px < mark.rmse_px:
        raise _GaveUp(
            f"{error_px:.2f} px after epoch {mark.epoch}, no better than the mean face ({mark.rmse_px:.2f} px)"
        )


def save_weights(module: "nn.Module", task: FoldTask, faces: FaceSet, path: Path) -> None:
    """Write a trained module's weights with what they belong to."""
    from bench.records.weight_facts import WeightsFacts, write_weights

    facts = WeightsFacts(
        **task.variant.model_dump(mode="json", include={"options", "recipe", "device", "precision", "threads"}),
        model=task.model,
        dataset=faces.name,
        fingerprint=faces.fingerprint,
        scheme=faces.scheme,
        train_rows=len(task.train_rows),
        rows=faces.rows,
        seed=task.seed,
        versions={name: version(name) for name in ("torch", "timm", "keypoint-bench")},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_weights(path, module.state_dict(), facts)
