"""Does pruning save 40 % of the fold trainings without a worse result? The cheap version: ridge regression on faces.

The same search with and without pruning over several seeds. A 'training' fits ridge regression on small pictures, so
that hundreds of trials take a minute; searched are the picture's side, a margin cut off, contrast and the penalty.

``python benchmarks/tuning_pruning_ridge.py --data FILE --groups FILE --seeds 3 --trials 30`` prints one JSON document.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from bench.config.recipe import Recipe
from bench.config.tuning import TuningSettings
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.folds import assign_folds
from bench.faces.loading import load_faces
from bench.records.schema import VariantFacts
from bench.running.task import FoldOutcome, FoldTask
from bench.tuning.findings import summarise_study
from bench.tuning.objective import Objective, split_training_part
from bench.tuning.parameters import Parameter, Range
from bench.tuning.pruning import make_pruner
from bench.tuning.sampling import SteadySampler
from bench.tuning.search import Search, SearchEnd

SIDES = (6, 8, 12, 16)
SPACE = (
    Parameter("options.side", Range(type="categorical", choices=SIDES), 12),
    Parameter("options.margin_px", Range(type="int", low=0, high=24), 0),
    Parameter("options.contrast", Range(type="categorical", choices=(True, False)), True),
    Parameter("options.penalty", Range(type="float", low=0.1, high=1e6, log=True), 1.0),
)


@dataclass
class RidgeOnPictures:
    """A fold runner over faces in memory; counts its trainings."""

    faces: FaceSet
    trained: int = 0
    integral: NDArray[np.int64] | None = None
    small: dict[tuple[int, int], NDArray[np.float64]] = field(default_factory=dict)

    def __call__(self, task: FoldTask, timeout_s: float | None) -> FoldOutcome:
        """Fit on rows with every point labelled; predict the scored rows."""
        del timeout_s
        self.trained += 1
        pictures = self._pictures(task.variant.options)
        targets = self.faces.keypoints.reshape(self.faces.rows, -1)
        rows = task.train_rows[np.isfinite(targets[task.train_rows]).all(axis=1)]
        model = Ridge(alpha=float(str(task.variant.options["penalty"]))).fit(pictures[rows], targets[rows])
        predicted = model.predict(pictures[task.scored_rows]).reshape(-1, 15, 2)
        return FoldOutcome(predicted.astype(np.float32))

    def _integral(self) -> NDArray[np.int64]:
        """Sums over all pixels above and to the left: (N, 97, 97)."""
        if self.integral is None:
            summed = self.faces.images.cumsum(1, dtype=np.int64).cumsum(2)
            self.integral = np.pad(summed, ((0, 0), (1, 0), (1, 0)))
        return self.integral

    def _pictures(self, options: Mapping[str, object]) -> NDArray[np.float64]:
        side, margin = int(str(options["side"])), int(str(options["margin_px"]))
        if (side, margin) not in self.small:
            # Nearest pixel blocks: the crop need not divide evenly.
            edges = np.linspace(margin, 96 - margin, side + 1).astype(int)
            corners = self._integral()[:, edges][:, :, edges]
            sums = corners[:, 1:, 1:] - corners[:, :-1, 1:] - corners[:, 1:, :-1] + corners[:, :-1, :-1]
            self.small[side, margin] = (sums / np.outer(np.diff(edges), np.diff(edges))).reshape(len(sums), -1)
        pictures = self.small[side, margin] / 64.0
        if options["contrast"]:
            centred = pictures - pictures.mean(axis=1, keepdims=True)
            pictures = centred / (centred.std(axis=1, keepdims=True) + 1e-6)
        return pictures


def search(faces: FaceSet, trials: int, seed: int, percentile: float, *, prune: bool) -> tuple[float, int]:
    """Best RMSE on the inner folds in pixels, and the fold trainings it took."""
    train = np.flatnonzero(assign_folds(faces, 5, seed) != 0)
    base = FoldTask(FaceSource(None), faces.fingerprint, "ridge", VariantFacts(recipe=Recipe()), train, train[:0], seed)
    objective = Objective(base, faces.keypoints, split_training_part(faces, train, 3, seed), 0.5 if prune else None)
    study = optuna.create_study(sampler=SteadySampler(seed), pruner=make_pruner(percentile, 4, prune=prune))
    runner = RidgeOnPictures(faces)
    Search(study, SPACE, objective, SearchEnd(trials)).work(runner)
    best_px = summarise_study(study, 0).inner_best_px
    assert best_px is not None
    return best_px, runner.trained


def main() -> None:
    """Search twice per seed and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--groups", default="auto")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--percentile", type=float, default=TuningSettings().prune_percentile)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    faces = load_faces(FaceSource(given.data, given.groups))
    found = []
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        pruned_px, pruned_folds = search(faces, given.trials, seed, given.percentile, prune=True)
        whole_px, whole_folds = search(faces, given.trials, seed, given.percentile, prune=False)
        found.append(
            {
                "seed": seed,
                "saved": round(1 - pruned_folds / whole_folds, 4),
                "worse_by": round(pruned_px / whole_px - 1, 4),
                "best_px": {"pruned": round(pruned_px, 4), "whole": round(whole_px, 4)},
                "folds": {"pruned": pruned_folds, "whole": whole_folds},
            }
        )
    sys.stdout.write(json.dumps({"searches": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
