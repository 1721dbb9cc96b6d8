"""Is the search honest where there is nothing to find? Nested tuning on shuffled labels with a cheap estimator.

Labels are given to other rows, so no picture says anything about its points. The estimator is ridge regression on 60
random pixels; which pixels, and the penalty, are searched, so choosing the best trial is choosing luck. An honest
search then shows a mean optimism gap above zero and outer scores no better than the mean face.

``python benchmarks/tuning_shuffled.py --data FILE --groups FILE --repeats 20`` prints one JSON document.
"""

import argparse
import json
import statistics
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from bench.config.recipe import Recipe
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.folds import assign_folds
from bench.faces.loading import load_faces
from bench.gates import predict_gate
from bench.measuring.accuracy import rmse_px
from bench.records.schema import VariantFacts
from bench.running.task import FoldOutcome, FoldTask
from bench.tuning.findings import summarise_study
from bench.tuning.objective import Objective, split_training_part
from bench.tuning.parameters import Parameter, Range
from bench.tuning.pruning import make_pruner
from bench.tuning.sampling import SteadySampler
from bench.tuning.search import Search, SearchEnd

PIXELS = 60
OUTER_FOLDS = 5
INNER_FOLDS = 3
SPACE = (
    Parameter("options.pixels_from", Range(type="int", low=0, high=9999), 0),
    Parameter("options.penalty", Range(type="float", low=10.0, high=10_000.0, log=True), 300.0),
)


@dataclass(frozen=True)
class Repeat:
    """One nested search on one shuffle: RMSE in pixels."""

    gap_px: float
    tuned_px: float
    default_px: float
    mean_face_px: float


@dataclass(frozen=True)
class RidgeOnPixels:
    """A fold runner: no network, the faces in memory."""

    faces: FaceSet

    def __call__(self, task: FoldTask, timeout_s: float | None) -> FoldOutcome:
        """Fit on the labelled rows of each coordinate's mean-filled targets; predict the scored rows."""
        del timeout_s
        chosen = np.random.default_rng(int(str(task.variant.options["pixels_from"]))).choice(
            96 * 96, PIXELS, replace=False
        )
        pixels = self.faces.images.reshape(self.faces.rows, -1)[:, chosen].astype(np.float64) / 64.0
        targets = self.faces.keypoints[task.train_rows].reshape(len(task.train_rows), -1).astype(np.float64)
        filled = np.where(np.isfinite(targets), targets, np.nanmean(targets, axis=0))
        model = Ridge(alpha=float(str(task.variant.options["penalty"]))).fit(pixels[task.train_rows], filled)
        predicted = model.predict(pixels[task.scored_rows]).reshape(-1, 15, 2)
        return FoldOutcome(predicted.astype(np.float32), train_seconds=0.0, predict_seconds=0.0)


def shuffled(faces: FaceSet, seed: int) -> FaceSet:
    """The same pictures with the points of other rows."""
    order = np.random.default_rng(seed).permutation(faces.rows)
    return replace(faces, keypoints=faces.keypoints[order], fingerprint=f"{faces.fingerprint}-{seed}")


def nested_search(faces: FaceSet, trials: int, seed: int) -> Repeat:
    """Search inside every outer fold and score outside."""
    run_fold = RidgeOnPixels(faces)
    fold_of_row = assign_folds(faces, OUTER_FOLDS, seed)
    gaps, rows = [], {name: np.full_like(faces.keypoints, np.nan) for name in ("tuned", "default", "mean face")}
    for outer in range(OUTER_FOLDS):
        train, scored = np.flatnonzero(fold_of_row != outer), np.flatnonzero(fold_of_row == outer)
        gaps.append(_one_fold(faces, run_fold, (train, scored), trials, seed * OUTER_FOLDS + outer, rows))
    errors = {name: rmse_px(found, faces.keypoints) for name, found in rows.items()}
    return Repeat(statistics.mean(gaps), errors["tuned"], errors["default"], errors["mean face"])


def _one_fold(
    faces: FaceSet,
    run_fold: RidgeOnPixels,
    split: tuple[NDArray[np.int64], NDArray[np.int64]],
    trials: int,
    seed: int,
    rows: dict[str, NDArray[np.float32]],
) -> float:
    train, scored = split
    base = FoldTask(FaceSource(None), faces.fingerprint, "ridge", VariantFacts(recipe=Recipe()), train, scored, seed)
    objective = Objective(base, faces.keypoints, split_training_part(faces, train, INNER_FOLDS, seed), None)
    study = optuna.create_study(sampler=SteadySampler(seed), pruner=make_pruner(25.0, 4, prune=True))
    Search(study, SPACE, objective, SearchEnd(trials)).work(run_fold)
    finding = summarise_study(study, 0)
    outer_px = {}
    for name, options in (("tuned", finding.options), ("default", {"pixels_from": 0, "penalty": 300.0})):
        outcome = run_fold(replace(base, variant=VariantFacts(options=options)), None)
        assert outcome.predictions is not None
        rows[name][scored] = outcome.predictions
        outer_px[name] = rmse_px(outcome.predictions, faces.keypoints[scored])
    rows["mean face"][scored] = predict_gate(
        "mean_face", faces.images[train], faces.keypoints[train], faces.images[scored]
    )
    compared = {"outer_default_px": outer_px["default"], "outer_best_px": outer_px["tuned"]}
    gap_px = finding.model_copy(update=compared).optimism_gap_px
    assert gap_px is not None
    return gap_px


def summary(repeats: list[Repeat]) -> dict[str, float | int]:
    """What must hold: the gap above zero, and nothing better than the mean face."""
    gaps = [repeat.gap_px for repeat in repeats]
    over = [repeat.tuned_px - repeat.mean_face_px for repeat in repeats]
    error_of_mean = statistics.stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else float("nan")
    return {
        "repeats": len(repeats),
        "optimism_gap_px_mean": round(statistics.mean(gaps), 4),
        "optimism_gap_px_standard_error": round(error_of_mean, 4),
        "gaps_above_zero": sum(gap > 0 for gap in gaps),
        "tuned_px_mean": round(statistics.mean(repeat.tuned_px for repeat in repeats), 4),
        "mean_face_px_mean": round(statistics.mean(repeat.mean_face_px for repeat in repeats), 4),
        "tuned_less_mean_face_px_min": round(min(over), 4),
        "tuned_better_than_mean_face": sum(value < 0 for value in over),
    }


def main() -> None:
    """Repeat and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--groups", default="auto")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--trials", type=int, default=20)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    faces = load_faces(FaceSource(given.data, given.groups))
    repeats = [nested_search(shuffled(faces, seed), given.trials, seed) for seed in range(given.repeats)]
    sys.stdout.write(json.dumps(summary(repeats), indent=1) + "\n")


if __name__ == "__main__":
    main()
