"""Does pruning save 40 % of the fold trainings without a worse result, and what does the tuner itself cost?

The same search with and without pruning, several seeds, a tiny network and few epochs, on whatever faces are given.
Every fold is trained by the ordinary worker process; the overhead is the share of the search's wall time that is not
spent inside fold trainings.

``python benchmarks/tuning_pruning.py --data FILE --groups FILE --seeds 3 --trials 30`` prints one JSON document.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.config.loading import load_config
from bench.config.settings import Config
from bench.errors import BenchError
from bench.tuning.announcements import TuningEvent
from bench.tuning.history import read_studies
from bench.tuning.tune import tune

WIDTH = 8
EPOCHS = 4


def search(config: Config) -> dict[str, Any]:
    """One search; its folds, its best score and its time."""
    began: list[float] = []
    ended: list[float] = []

    def told(event: TuningEvent) -> None:
        moments = {"SearchBegan": began, "Comparing": ended}.get(type(event).__name__)
        if moments is not None:
            moments.append(time.monotonic())

    tune(config, told)
    study = read_studies(config.run.out)[0]
    assert study.best is not None and study.best.value is not None
    wall_s = ended[0] - began[0]
    in_folds_s = sum(sum(trial.fold_seconds) for trial in study.trials)
    return {
        "best_px": round(study.best.value, 4),
        "folds_trained": sum(len(trial.fold_seconds) for trial in study.counted),
        "folds_without_pruning": len(study.counted) * study.inner_folds,
        "wall_s": round(wall_s, 1),
        "overhead": round(1 - in_folds_s / wall_s, 4),
    }


def settings(given: argparse.Namespace, seed: int, out: Path, *, prune: bool) -> Config:
    """A tiny plain CNN, one worker, so that wall time is fold time plus overhead."""
    assignments = [f"models.plain_cnn.width={WIDTH}", "recipe.loss=l1"]
    run = {"models": ("plain_cnn",), "data": given.data, "groups": given.groups, "seed": seed, "out": out, "workers": 1}
    tuning = {"trials": given.trials, "search_epochs": given.epochs, "prune": prune}
    return load_config(None, assignments, {**run, "epochs": given.epochs}, tuning)


def main() -> None:
    """Search twice per seed and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--groups", default="auto")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    given = parser.parse_args()
    found = []
    for seed in range(given.seeds):
        with tempfile.TemporaryDirectory() as folder:
            with_pruning = search(settings(given, seed, Path(folder) / "pruned", prune=True))
            without = search(settings(given, seed, Path(folder) / "whole", prune=False))
        saved = 1 - with_pruning["folds_trained"] / without["folds_trained"]
        worse = with_pruning["best_px"] / without["best_px"] - 1
        found.append({"seed": seed, "saved": round(saved, 4), "worse_by": round(worse, 4),
                      "with": with_pruning, "without": without})  # fmt: skip
        sys.stderr.write(json.dumps(found[-1]) + "\n")
    sys.stdout.write(json.dumps({"searches": found}, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
