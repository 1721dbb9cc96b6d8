"""How long until the tutorial's final error is reached? The tutorial's own 100 epochs against ours.

    python -m benchmarks.time_to_error --data data/KeyFacialPoints.csv --groups identities.csv --models plain_cnn

The tutorial's loop (float32, Adam, no augmentation) trains ``--epochs`` epochs on fold 0, with all cores. Ours trains
the same module with shorter and shorter schedules on folds 0 and 1 side by side, a core each, so that both use the
whole machine; its seconds per fold are half of the wall time. ``sooner`` is for the shortest of ``--schedules`` whose
error on fold 0 is at or below the tutorial's; every schedule that was tried is printed. A schedule is chosen before
training and trained to its end: no look at the scored rows decides when to stop.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import architectures
from bench.config.recipe import Recipe
from bench.measuring.environment import describe_environment
from benchmarks.training import absolute, decode, run, ways
from benchmarks.training_ways.spec import Spec, parse_model


def race(spec: Spec, epochs: int, schedules: list[int], folder: Path) -> dict[str, Any]:
    """The tutorial once, then ours, longest schedule first, until one misses."""
    ours, tutorial = ways(2)[:2]
    theirs = run(tutorial, replace(spec, epochs=epochs, folds=[0]), folder)
    found: dict[str, Any] = {
        "tutorial": {"epochs": epochs, "rmse_px": round(theirs.rmse_px(), 4), "seconds": round(theirs.seconds, 1)},
        "ours": [],
        "sooner": None,
    }
    sys.stderr.write(f"{spec.model}: {json.dumps(found['tutorial'])}\n")
    recipe = Recipe(**architectures.get(parse_model(spec.model)[0]).recipe)
    for schedule in sorted(schedules, reverse=True):
        own = replace(spec, epochs=schedule, batch_size=recipe.batch_size, folds=[0, 1], growing=True)
        outcome = run(ours, own, folder)
        seconds, rmse_px = outcome.seconds / 2, outcome.rmse_px([0])
        found["ours"].append({"epochs": schedule, "rmse_px": round(rmse_px, 4), "seconds": round(seconds, 2)})
        sys.stderr.write(f"{spec.model}: {json.dumps(found['ours'][-1])}\n")
        if rmse_px > theirs.rmse_px():
            break
        found["sooner"] = round(theirs.seconds / seconds, 1)
    return found


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--groups", default="auto")
    parser.add_argument("--models", default="plain_cnn,resnet_custom")
    parser.add_argument("--batch", type=int, default=32, help="the tutorial's; ours uses its recipe's")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--schedules", type=int, nargs="+", default=[20, 15, 12, 10, 8, 6, 5, 4, 3])
    given = parser.parse_args()
    document: dict[str, Any] = {"environment": describe_environment(), "batch": given.batch}
    with tempfile.TemporaryDirectory(prefix="time-to-error-") as name:
        folder = Path(name)
        decode(given.data, given.groups, folder / "faces.npz")
        for model in given.models.split(","):
            data, groups = str(given.data.resolve()), absolute(given.groups)
            spec = Spec(data, groups, str(folder / "faces.npz"), model, 1, given.batch, [0])
            document[model] = race(spec, given.epochs, given.schedules, folder)
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
