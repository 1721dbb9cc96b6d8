"""Training on CUDA: the tutorial's loop, ours step by step, ours replayed as a graph, and several side by side.

    python -m benchmarks.accelerator --data data/KeyFacialPoints.csv --models plain_cnn,resnet_custom,resnet18

Images per second of each way over ``--batches`` batches, in ``--rounds`` rounds in which every way has one turn, in
another order each time. All train the same module with the same batch; the tutorial's loop is float32 from a DataLoader
without augmentation, ours has its recipe. The first epoch of each way, with its allocations and its recording, is not
counted.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import architectures
from bench.config.recipe import Recipe
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.loading import load_faces
from bench.measuring.environment import describe_environment
from bench.training.loop import Examples, Execution, Trainer
from bench.training.precision import compute_alike, resolve_precision
from bench.training.turns import Turns, in_turns
from benchmarks.training_ways import tutorial
from benchmarks.training_ways.spec import Spec, build

DEVICE = "cuda"
EPOCHS = 3


def ours(spec: Spec, faces: FaceSet, together: int, *, replayed: bool) -> float:
    """Images per second of so many trainings of one network."""
    own = {"epochs": EPOCHS, "batch_size": spec.batch_size, "growing_fraction": 0}
    given = {**architectures.get(spec.model).recipe, **own}
    recipe = Recipe(**given)  # type: ignore[arg-type]
    examples = Examples(torch.tensor(faces.images), torch.tensor(faces.keypoints), faces.scheme)
    execution = Execution(DEVICE, resolve_precision("auto", DEVICE), 0, replayed)

    def work() -> Turns[tuple[float, float]]:
        """Begin and end of the epochs that count."""
        trainer = Trainer(build(spec), examples, recipe, execution)
        yield from trainer.epoch(0)
        begun = time.perf_counter()
        for epoch in range(1, EPOCHS):
            yield from trainer.epoch(epoch)
        return begun, time.perf_counter()

    times = [spent for _, spent in in_turns([work() for _ in range(together)], DEVICE)]
    seconds = max(end for _, end in times) - min(begin for begin, _ in times)
    return together * (EPOCHS - 1) * len(faces.images) / seconds


def tutorials(spec: Spec, faces: FaceSet) -> float:
    """Images per second of the loop that tutorials write."""
    data, module = tutorial.Faces(faces.images, faces.keypoints), build(spec)
    tutorial.train(module, data, spec)
    torch.cuda.synchronize()
    begun = time.perf_counter()
    tutorial.train(module, data, spec)
    torch.cuda.synchronize()
    return len(faces.images) / (time.perf_counter() - begun)


def ways(together: int) -> Mapping[str, Callable[[Spec, FaceSet], float]]:
    """By name."""
    return {
        "tutorial": tutorials,
        "step by step": lambda spec, faces: ours(spec, faces, 1, replayed=False),
        "replayed": lambda spec, faces: ours(spec, faces, 1, replayed=True),
        f"{together} replayed side by side": lambda spec, faces: ours(spec, faces, together, replayed=True),
    }


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="Drawn faces where it is left out.")
    parser.add_argument("--models", default="plain_cnn,resnet_custom")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=50)
    parser.add_argument("--together", type=int, default=5)
    given = parser.parse_args()
    compute_alike()
    faces = load_faces(FaceSource(given.data, "none"))
    rows = given.batches * given.batch
    faces = replace(faces, images=faces.images[:rows], keypoints=faces.keypoints[:rows], groups=faces.groups[:rows])
    generator, asked = random.Random(0), ways(given.together)
    table: dict[str, Any] = {}
    for model in given.models.split(","):
        spec = Spec("", "", "", model, epochs=1, batch_size=given.batch, folds=(), device=DEVICE)
        rates: dict[str, list[float]] = {name: [] for name in asked}
        for number in range(given.rounds):
            for name in generator.sample(list(asked), len(asked)):
                rates[name].append(asked[name](spec, faces))
                sys.stderr.write(f"{model} round {number}: {name} {rates[name][-1]:.0f} images/s\n")
        table[model] = {
            name: {
                "images_per_second": round(statistics.median(found)),
                "spread": [round(min(found)), round(max(found))],
                "over_tutorial": round(statistics.median(map(_over, found, rates["tutorial"])), 2),
            }
            for name, found in rates.items()
        }
    document = {"batch": given.batch, "models": table, "environment": describe_environment(DEVICE)}
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


def _over(mine: float, theirs: float) -> float:
    return mine / theirs


if __name__ == "__main__":
    main()
