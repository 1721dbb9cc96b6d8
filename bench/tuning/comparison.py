"""Tuned against default on an outer fold, both trained in full: cells like any other, kept in the same store."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.comparing.row_losses import RowLosses
from bench.comparing.trained_models import trained_models_differ
from bench.config.model_names import TUNED_SUFFIX
from bench.config.settings import Config
from bench.faces.face_set import FaceSet, FaceSource
from bench.measuring.accuracy import rmse_px, squared_errors
from bench.measuring.environment import describe_environment
from bench.records.store import RecordStore
from bench.records.tuned import FoldFinding, TunedParameters
from bench.running.local import LocalEngine
from bench.running.plan import Cell, Plan, make_plan
from bench.running.run import Recorder, choose_workers, is_wanted
from bench.tuning.announcements import ComparisonFailed, OnTuning

Points = NDArray[np.float32]


def compare_on_outer_folds(
    config: Config, source: FaceSource, faces: FaceSet, found: TunedParameters, on_event: OnTuning
) -> tuple[FoldFinding, ...]:
    """The findings with the scores on their outer folds.

    The cells are those that ``bench run --tuned`` plans: what is recorded is not trained again, and what is trained
    here need not be trained there. A cell that fails is announced and leaves its score None.
    """
    run = config.run.model_copy(update={"models": (found.model,), "seeds": 1, "tuned": True})
    config = config.model_copy(update={"run": run})
    plan = make_plan(config, source, faces, {found.model: found})
    planned = {(cell.model, cell.fold): cell for cell in plan.cells}
    pairs = []
    for finding in found.folds:
        default = planned[found.model, finding.outer_fold]
        tuned = planned[found.model + TUNED_SUFFIX, finding.outer_fold]
        pairs.append((default, tuned if finding.improved or found.mode == "nested" else default))
    predicted = _trained(config, plan, {cell.key: cell for pair in pairs for cell in pair}.values(), on_event)
    scored = []
    for finding, (default, best) in zip(found.folds, pairs, strict=True):
        rows = default.task.scored_rows
        answers = (predicted.get(default.key), predicted.get(best.key))
        scored.append(finding.model_copy(update=_scores(*answers, faces.keypoints[rows], faces.groups[rows])))
    return tuple(scored)


def _scores(default: Points | None, best: Points | None, truth: Points, groups: NDArray[np.int64]) -> dict[str, Any]:
    """Fields of a finding; the difference only of two trained models that differ."""
    scores: dict[str, Any] = {
        name: rmse_px(predictions, truth) if predictions is not None else None
        for name, predictions in (("outer_default_px", default), ("outer_best_px", best))
    }
    if default is not None and best is not None and best is not default:
        scores["difference_px"], scores["interval_px"] = paired_difference(default, best, truth, groups)
    return scores


def paired_difference(
    default: NDArray[np.float32],
    tuned: NDArray[np.float32],
    truth: NDArray[np.float32],
    groups: NDArray[np.int64],
) -> tuple[float, tuple[float, float]]:
    """RMSE of ``default`` less that of ``tuned`` (n, K, 2), px, with a 95 % interval: whole groups are resampled.

    Says whether these two trained models differ on such people; not how another training would have come out.
    """
    squared = [np.nansum(squared_errors(predictions, truth), axis=(1, 2))[None] for predictions in (default, tuned)]
    losses = RowLosses(
        models=("default", "tuned"),
        kinds={"default": "network", "tuned": "network"},
        squared_px2=(squared[0], squared[1]),
        counts=np.isfinite(truth).sum(axis=(1, 2)).astype(np.float64),
        groups=np.unique(groups, return_inverse=True)[1].reshape(-1).astype(np.int64),
        folds=np.zeros(len(groups), dtype=np.int64),
    )
    test = trained_models_differ(losses, 0, 1)
    return test.difference_px, test.interval_px


def _trained(config: Config, plan: Plan, cells: Collection[Cell], on_event: OnTuning) -> Mapping[str, Points]:
    """Predictions by key, of the cells that did not fail; what has no record yet is trained."""
    run, store = config.run, RecordStore(config.run.out)
    missing = [cell for cell in cells if is_wanted(store, cell)]
    if missing:
        workers = choose_workers(run, len(missing), plan.device)
        recorder = Recorder(store, plan, describe_environment(plan.device), lambda _: None)
        LocalEngine(workers, run.threads, run.cell_timeout_s)(missing, recorder)
    predicted = {}
    for cell in cells:
        record = store.read_cell(cell.model, cell.key)
        if record is not None and record.status == "ok":
            predicted[cell.key] = store.predictions(record)[1]
        else:
            reason = f"{record.cause}: {record.reason}" if record is not None else "it was not trained"
            on_event(ComparisonFailed(cell.model, cell.fold, reason))
    return predicted
