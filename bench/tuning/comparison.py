"""Tuned against default on an outer fold, both trained in full: cells like any other, kept in the same store."""

from collections.abc import Mapping
from dataclasses import replace
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
from bench.records.keys import cell_key, variant_digest
from bench.records.store import RecordStore
from bench.records.tuned import FoldFinding
from bench.running.events import Event
from bench.running.local import LocalEngine
from bench.running.plan import Cell, Plan, make_plan
from bench.running.run import Recorder, choose_workers, is_wanted


def compare_on_outer_fold(
    config: Config, source: FaceSource, faces: FaceSet, finding: FoldFinding, model: str
) -> FoldFinding:
    """Complete a finding with the scores on its outer fold.

    The cells are those that ``bench run`` and ``bench run --tuned`` would train: what is recorded is not trained
    again, and what is trained here need not be trained there. A cell that fails leaves its score None.
    """
    config = config.model_copy(update={"run": config.run.model_copy(update={"models": (model,), "seeds": 1})})
    plan = make_plan(config, source, faces)
    default = _cell(plan, model, finding.outer_fold)
    cells = [default]
    if finding.improved:
        cells.append(tuned_cell(config, source, faces, finding, model))
    predictions = _trained(config, plan, cells)
    truth, groups = faces.keypoints[default.task.scored_rows], faces.groups[default.task.scored_rows]
    scores = [rmse_px(found, truth) if found is not None else None for found in predictions]
    if len(scores) == 1 or None in scores:
        best_px = scores[0] if len(scores) == 1 else scores[1]
        return finding.model_copy(update={"outer_default_px": scores[0], "outer_best_px": best_px})
    assert predictions[0] is not None and predictions[1] is not None
    difference_px, interval_px = paired_difference(predictions[0], predictions[1], truth, groups)
    return finding.model_copy(
        update={
            "outer_default_px": scores[0],
            "outer_best_px": scores[1],
            "difference_px": difference_px,
            "interval_px": interval_px,
        }
    )


def tuned_cell(config: Config, source: FaceSource, faces: FaceSet, finding: FoldFinding, model: str) -> Cell:
    """The cell of ``MODEL@tuned`` on the finding's outer fold."""
    tuned = config.with_parameters(model, finding.options, finding.recipe)
    plan = make_plan(tuned, source, faces)
    cell = _cell(plan, model, finding.outer_fold)
    name = f"{model}{TUNED_SUFFIX}"
    variant = cell.task.variant.model_copy(update={"tuned": tuned_facts(finding)})
    named = variant_digest(name, variant)
    key = cell_key(named, plan.protocol_digest, cell.fold, cell.seed)
    return replace(cell, model=name, key=key, variant_digest=named, task=replace(cell.task, variant=variant))


def tuned_facts(finding: FoldFinding) -> Mapping[str, Any]:
    """What a tuned variant's record says of its origin."""
    return {"study": finding.study, "outer_fold": finding.outer_fold, "trials": sum(finding.trials.values())}


def paired_difference(
    default: NDArray[np.float32],
    tuned: NDArray[np.float32],
    truth: NDArray[np.float32],
    groups: NDArray[np.int64],
) -> tuple[float, tuple[float, float]]:
    """RMSE of ``default`` less that of ``tuned`` (n, 15, 2), px, with a 95 % interval: whole groups are resampled.

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


def _cell(plan: Plan, model: str, fold: int) -> Cell:
    return next(cell for cell in plan.cells if (cell.model, cell.fold, cell.seed) == (model, fold, 0))


def _trained(config: Config, plan: Plan, cells: list[Cell]) -> list[NDArray[np.float32] | None]:
    store = RecordStore(config.run.out)
    missing = [cell for cell in cells if is_wanted(store, cell)]
    if missing:
        workers = choose_workers(config.run, len(missing), plan.device)
        recorder = Recorder(store, plan, describe_environment(), _unheard)
        LocalEngine(workers, config.run.threads, config.run.cell_timeout_s)(missing, recorder)
    found: list[NDArray[np.float32] | None] = []
    for cell in cells:
        record = store.read_cell(cell.model, cell.key)
        sound = record is not None and record.status == "ok"
        found.append(store.predictions(record)[1] if record is not None and sound else None)
    return found


def _unheard(event: Event) -> None:
    del event
