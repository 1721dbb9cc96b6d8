"""What share of the processor's matrix speed does training reach, and where does the rest of the time go?

    python -m benchmarks.ceiling --models plain_cnn,resnet_custom,resnet_custom:width=96

One thread. Each round measures the bfloat16 product of two 2048 x 2048 matrices and then a few steps of each model on
drawn faces, as ``bench run`` takes them. A training step is counted as three forward passes (forward, gradient of the
inputs, gradient of the weights), two floating-point operations per multiply-accumulate; normalisation and the like
count for nothing, so 100 % is not to be had. A model may carry options: ``NAME:option=value:option=value``.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

import architectures
from bench.config.recipe import Recipe
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces
from bench.measuring.cost import FLOPS_PER_MAC, count_cost
from bench.measuring.environment import describe_environment
from bench.scheme import SEED_SCHEME
from bench.training.loop import Examples, Execution, Trainer
from bench.training.precision import resolve_precision
from benchmarks.training_ways.spec import parse_model

SIDE = 2048
PASSES = 3
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def matrix_flops(precision: str, repeats: int = 6) -> float:
    """Floating-point operations per second of one big product."""
    dtype = getattr(torch, precision)
    left, right = (torch.randn(SIDE, SIDE).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - started)
    return 2 * SIDE**3 / best


class StepClock:
    """Times the parts of a trainer's step by standing in for them."""

    def __init__(self, trainer: Trainer) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(("augmentation", "forward", "backward", "optimiser"), 0.0)
        self.trainer = trainer
        trainer.augment = self.timed("augmentation", trainer.augment)  # type: ignore[assignment]
        trainer.loss = self.timed("forward", trainer.loss)  # type: ignore[method-assign]
        trainer.backward = self.timed("backward", trainer.backward)  # type: ignore[method-assign]
        trainer.update = self.timed("optimiser", trainer.update)  # type: ignore[method-assign]

    def timed(self, part: str, call: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        """``call`` with its time added to ``part``."""

        def clocked(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
            started = time.perf_counter()
            result = call(*arguments, **named)
            self.seconds[part] += time.perf_counter() - started
            return result

        return clocked

    def epoch(self) -> dict[str, float]:
        """One epoch: seconds by part, ``outside`` for all that is in none."""
        self.seconds = dict.fromkeys(self.seconds, 0.0)
        started = time.perf_counter()
        self.trainer.epoch(1)
        total = time.perf_counter() - started
        return {**self.seconds, "outside": total - sum(self.seconds.values()), "total": total}


def make_trainer(model: str, options: dict[str, Any], images: Tensor, keypoints: Tensor, precision: str) -> Trainer:
    """A trainer with the model's own recipe, long enough for all rounds."""
    recipe = Recipe(**{**architectures.get(model).recipe, "epochs": 10_000})  # type: ignore[arg-type]
    torch.manual_seed(0)
    module = architectures.build(model, **options)
    return Trainer(module, Examples(images, keypoints, SEED_SCHEME), recipe, Execution("cpu", precision, 0))


def summarise(word: str, epochs: list[dict[str, float]], ceilings: list[float], images: int) -> dict[str, Any]:
    """Medians over the rounds."""
    name, options = parse_model(word)
    macs = count_cost(name, options).macs
    work = FLOPS_PER_MAC * macs * PASSES * images
    rates = [work / epoch["total"] for epoch in epochs]
    shares = [rate / ceiling for rate, ceiling in zip(rates, ceilings, strict=True)]
    parts = {
        part: round(100 * statistics.median(epoch[part] / epoch["total"] for epoch in epochs), 2)
        for part in epochs[0]
        if part != "total"
    }
    return {
        "macs": macs,
        "images_per_second": round(images / statistics.median(epoch["total"] for epoch in epochs), 1),
        "gflops": round(statistics.median(rates) / 1e9, 1),
        "share_of_ceiling_percent": round(100 * statistics.median(shares), 1),
        "share_spread_percent": [round(100 * min(shares), 1), round(100 * max(shares), 1)],
        "time_percent": parts,
    }


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="plain_cnn,resnet_custom,resnet_custom:width=96")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=12)
    given = parser.parse_args()
    torch.set_num_threads(1)
    precision = resolve_precision("auto", "cpu")
    faces = load_faces(FaceSource(None))
    rows = given.batches * Recipe().batch_size
    images, keypoints = torch.tensor(faces.images[:rows]), torch.tensor(faces.keypoints[:rows])
    words = given.models.split(",")
    clocks = {word: StepClock(make_trainer(*parse_model(word), images, keypoints, precision)) for word in words}
    for clock in clocks.values():
        clock.epoch()  # kernels are chosen and memory is found
    epochs: dict[str, list[dict[str, float]]] = {word: [] for word in words}
    ceilings: list[float] = []
    float32: list[float] = []
    for _ in range(given.rounds):
        ceilings.append(matrix_flops(precision))
        float32.append(matrix_flops("float32"))
        for word, clock in clocks.items():
            epochs[word].append(clock.epoch())
    document = {
        "environment": describe_environment(),
        "precision": precision,
        "matrix_product_gflops": round(statistics.median(ceilings) / 1e9, 1),
        "float32_product_gflops": round(statistics.median(float32) / 1e9, 1),
        "models": {word: summarise(word, epochs[word], ceilings, rows) for word in words},
    }
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
