"""Tuned against default on an outer fold, both trained in full: cells like any other, kept in the same store."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.comparing.observations import Observations
from bench.comparing.ranking import rank
from bench.config.model_names import TUNED_SUFFIX
from bench.config.settings import Config
from bench.faces.face_set import FaceSet, FaceSource
from bench.measuring.accuracy import rmse_px
from bench.measuring.environment import describe_environment
from bench.records.store import RecordStore
from bench.records.tuned import FoldFinding, TunedParameters
from bench.running.plan import Cell, Plan, make_plan
from bench.running.run import Recorder, is_wanted, local_engine
from bench.tuning.announcements import ComparisonFailed, OnTuning
from bench.tuning.findings import PLAIN_SEEDS

Points = NDArray[np.float32]


def compare_on_outer_folds(
    config: Config, source: FaceSource, faces: FaceSet, found: TunedParameters, on_event: OnTuning
) -> tuple[FoldFinding, ...]:
    """The findings with the scores on their outer folds.

    The cells are those that ``bench run --tuned`` plans: what is recorded is not trained again, and what is trained
    here need not be trained there. A plain search has :data:`PLAIN_SEEDS` trainings of each on its one fold; a nested
    one has one on each. Where a cell fails, it is announced, and the score is None.
    """
    seeds = 1 if found.mode == "nested" else PLAIN_SEEDS
    run = config.run.model_copy(update={"models": (found.model,), "seeds": seeds, "tuned": True})
    config = config.model_copy(update={"run": run})
    plan = make_plan(config, source, faces, {found.model: found})
    planned: dict[tuple[str, int], list[Cell]] = {}
    for cell in plan.cells:
        planned.setdefault((cell.model, cell.fold), []).append(cell)
    pairs = []
    for finding in found.folds:
        default = planned[found.model, finding.outer_fold]
        tuned = planned[found.model + TUNED_SUFFIX, finding.outer_fold]
        pairs.append((default, tuned if finding.improved or found.mode == "nested" else default))
    cells = {cell.key: cell for pair in pairs for each in pair for cell in each}
    predicted = _trained(config, plan, cells.values(), on_event)
    scored = []
    for finding, (default, best) in zip(found.folds, pairs, strict=True):
        rows = default[0].task.scored_rows
        answers = (_stacked(predicted, default), _stacked(predicted, best) if best is not default else None)
        scores = _scores(*answers, faces.keypoints[rows], faces.groups[rows], same=best is default)
        scored.append(finding.model_copy(update=scores))
    return tuple(scored)


def _stacked(predicted: Mapping[str, Points], cells: Sequence[Cell]) -> Points | None:
    """Predictions of all seeds (S, n, K, 2), where all of them are there."""
    found = [predicted[cell.key] for cell in cells if cell.key in predicted]
    return np.stack(found) if len(found) == len(cells) else None


def _scores(
    default: Points | None, best: Points | None, truth: Points, groups: NDArray[np.int64], *, same: bool
) -> dict[str, Any]:
    """Fields of a finding; the difference only of two that differ."""
    scores: dict[str, Any] = {
        name: rmse_px(predictions, truth) if predictions is not None else None
        for name, predictions in (("outer_default_px", default), ("outer_best_px", default if same else best))
    }
    if default is not None and best is not None:
        scores["difference_px"], scores["interval_px"] = gain(default, best, truth, groups)
    return scores


def gain(
    default: Points, tuned: Points, truth: Points, groups: NDArray[np.int64]
) -> tuple[float, tuple[float, float] | None]:
    """RMSE of ``default`` less that of ``tuned`` (S, n, K, 2), px, with a 95 % interval; None with one seed.

    As ranks and verdicts it speaks of the two as procedures: of other people, and of other trainings.
    """
    observations = Observations(
        truth=truth,
        groups=groups,
        fold_of_row=np.zeros(len(groups), dtype=np.int64),
        predictions={"default": default, "tuned": tuned},
        kinds={"default": "network", "tuned": "network"},
    )
    (pair,) = rank(observations).pairs
    sign = 1 if pair.a == "default" else -1
    low, high = sorted(sign * bound for bound in pair.interval_px)
    return sign * pair.difference_px, None if isnan(low) or isnan(high) else (low, high)


def _trained(config: Config, plan: Plan, cells: Collection[Cell], on_event: OnTuning) -> Mapping[str, Points]:
    """Predictions by key, of the cells that did not fail; what has no record yet is trained."""
    run, store = config.run, RecordStore(config.run.out)
    missing = [cell for cell in cells if is_wanted(store, cell)]
    if missing:
        recorder = Recorder(store, plan, describe_environment(plan.device), lambda _: None)
        with closing(local_engine(run, len(missing), plan.device)) as execute:
            execute(missing, recorder)
    predicted: dict[str, Points] = {}
    failures: dict[ComparisonFailed, None] = {}  # several seeds may fail alike: told once
    for cell in cells:
        record = store.read_cell(cell.model, cell.key)
        if record is not None and record.status == "ok":
            predicted[cell.key] = store.predictions(record)[1]
        else:
            reason = f"{record.cause}: {record.reason}" if record is not None else "it was not trained"
            failures[ComparisonFailed(cell.model, cell.fold, reason)] = None
    for failure in failures:
        on_event(failure)
    return predicted
