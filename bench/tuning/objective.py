"""What a trial is judged by: RMSE over inner grouped folds, drawn from the training part alone."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.config.recipe import Recipe
from bench.errors import CircumstanceError
from bench.faces.face_set import FaceSet
from bench.faces.folds import assign_group_folds
from bench.gates import predict_gate
from bench.measuring.accuracy import rmse_px, squared_errors
from bench.records.keys import digest
from bench.records.studies import State, TrialResult
from bench.running.task import FoldOutcome, FoldTask, GiveUp
from bench.tuning.parameters import Params, split_params

ENDING_S = 1.0
"""A fold that took too long with less than this left of the budget was stopped by the budget."""

AfterFold = Callable[[int, float], bool]
"""Given the inner fold just ended (from 0) and the RMSE of all rows scored so far: whether to give the trial up."""

RunFold = Callable[[FoldTask, float | None], FoldOutcome]
"""Trains one fold, in so many seconds at most; a failure is an outcome with a cause."""


@dataclass(frozen=True)
class InnerFold:
    """One split of the training part: int64 row numbers of the whole face set, and what the mean face scores."""

    train_rows: NDArray[np.int64]
    scored_rows: NDArray[np.int64]
    mean_face_rmse_px: float


def split_training_part(faces: FaceSet, train_rows: NDArray[np.int64], folds: int, seed: int) -> tuple[InnerFold, ...]:
    """Split the training part of an outer fold again, by group; no row outside ``train_rows`` is touched.

    Raises:
        DataError: fewer groups than folds.
    """
    stream = np.random.default_rng(int(digest({"inner": faces.fingerprint, "seed": seed}), 16))
    fold_of_row = assign_group_folds(faces.groups[train_rows], folds, stream, f"{faces.name} (inner folds)")
    inner = []
    for fold in range(folds):
        train, scored = train_rows[fold_of_row != fold], train_rows[fold_of_row == fold]
        mean_face = predict_gate("mean_face", faces.images[train], faces.keypoints[train], faces.images[scored])
        inner.append(InnerFold(train, scored, rmse_px(mean_face, faces.keypoints[scored])))
    return tuple(inner)


@dataclass(frozen=True)
class Objective:
    """Turns parameters into a :class:`TrialResult`.

    Attributes:
        base: a task with the model's default options and recipe (epochs already those of the search); its rows are
            replaced by those of each inner fold.
        keypoints: float32 (N, K, 2) of the whole face set, pixels.
        folds: the inner folds, the same for every trial.
        give_up_share: share of the epochs after which a training must beat the mean face, where the defaults did so
            too: a net that only begins to learn in the time it is given says nothing by losing. None = never asked.
    """

    base: FoldTask
    keypoints: NDArray[np.float32]
    folds: tuple[InnerFold, ...]
    give_up_share: float | None

    def task(self, params: Params, fold: int, bar_px: float | None = None) -> FoldTask:
        """The training of one inner fold, given up at the mark unless it is better than ``bar_px`` by then."""
        options, values = split_params(params)
        recipe = Recipe(**{**self.base.recipe.model_dump(), **values})
        inner, before = self.folds[fold], self.base.variant
        give_up = None
        if bar_px is not None and self.give_up_share is not None:
            epoch = max(1, round(recipe.epochs * self.give_up_share))
            give_up = GiveUp(epoch, bar_px) if epoch < recipe.epochs else None
        return replace(
            self.base,
            variant=before.model_copy(update={"options": {**before.options, **options}, "recipe": recipe}),
            train_rows=inner.train_rows,
            scored_rows=inner.scored_rows,
            seed=self.base.seed + fold,
            give_up=give_up,
        )

    def evaluate(
        self,
        params: Params,
        run_fold: RunFold,
        after_fold: AfterFold,
        *,
        prunable: bool = True,
        mean_face_counts: Callable[[int], bool],
        left_s: Callable[[], float | None] = lambda: None,
    ) -> TrialResult:
        """Train fold after fold until the trial is complete, given up, failed or interrupted.

        Args:
            params: the searched values; everything else as in ``base``.
            run_fold: trains one fold.
            after_fold: told of each fold; its answer is whether to give the trial up.
            prunable: False for the defaults, which are trained to their end whatever they score.
            mean_face_counts: whether a trial that loses to the mean face on this inner fold is hopeless.
            left_s: seconds until the search must end; a fold that takes longer interrupts the trial.

        Raises:
            CircumstanceError: the parameters are not to blame, and the next trial would fail in the same way.
        """
        squares, labelled = 0.0, 0
        seconds: list[float] = []
        beaten: list[bool] = []

        def ended(state: State, value: float | None, reason: str | None, folds_done: int) -> TrialResult:
            return TrialResult(
                state=state, value=value, reason=reason, folds_done=folds_done, fold_seconds=tuple(seconds)
            )

        for fold, inner in enumerate(self.folds):
            judged = prunable and self.give_up_share is not None and mean_face_counts(fold)
            bar_px = inner.mean_face_rmse_px if judged else None
            started = time.perf_counter()
            # The defaults have only their error at the mark noted.
            outcome = run_fold(self.task(params, fold, bar_px if prunable else math.inf), left_s())
            seconds.append(time.perf_counter() - started)
            if outcome.predictions is None:
                state, reason = _without_answer(outcome, fold, left_s())
                return ended(state, None, reason, fold)
            errors = squared_errors(outcome.predictions, self.keypoints[inner.scored_rows])
            squares += float(np.nansum(errors))
            labelled += int(np.isfinite(errors).sum())
            fold_px, running_px = float(np.sqrt(np.nanmean(errors))), float(np.sqrt(squares / labelled))
            beaten.append(max(fold_px, outcome.mark_px or 0.0) < inner.mean_face_rmse_px)
            others_better = after_fold(fold, running_px)
            if prunable and fold + 1 < len(self.folds):
                hopeless = None
                if judged and fold_px >= inner.mean_face_rmse_px:
                    hopeless = f"{fold_px:.2f} px on inner fold {fold + 1}, no better than the mean face"
                elif others_better:
                    done = f"{fold + 1} of {len(self.folds)} inner folds"
                    hopeless = f"{running_px:.2f} px after {done}: others did better"
                if hopeless is not None:
                    return ended("pruned", running_px, hopeless, fold + 1)
        result = ended("complete", running_px, None, len(self.folds))
        return result if prunable else replace(result, beat_mean_face=tuple(beaten))


def _without_answer(outcome: FoldOutcome, fold: int, left_s: float | None) -> tuple[State, str]:
    if outcome.cause == "timeout" and left_s is not None and left_s < ENDING_S:
        return "interrupted", "interrupted: the budget ended"
    if outcome.cause == "circumstance":
        raise CircumstanceError(f"{outcome.reason}; mend that and run the same command again")
    told = f"{outcome.cause} on inner fold {fold + 1}: {outcome.reason}"
    return "pruned" if outcome.cause == "gave up" else "failed", told
