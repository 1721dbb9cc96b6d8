"""What share of the processor's matrix speed does training reach, where does the rest go, what does a tutorial reach?

    python -m benchmarks.ceiling --models plain_cnn,resnet_custom,resnet_custom:width=96
    python -m benchmarks.ceiling --models curated --batches 6

One thread. Each round measures the bfloat16 product of two 2048 x 2048 matrices and then, for each model, a few steps
on drawn faces as ``bench run`` takes them and as many of the tutorial's loop (float32, Adam, no augmentation), in an
order drawn anew. A training step is counted as three forward passes (forward, gradient of the inputs, gradient of the
weights), two floating-point operations per multiply-accumulate; normalisation and the like count for nothing, so 100 %
is not to be had. A model may carry options: ``NAME:option=value:option=value``; ``curated`` stands for them all.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch

import architectures
from bench.config.recipe import Recipe
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.loading import load_faces
from bench.keywords import configuration
from bench.measuring.cost import FLOPS_PER_MAC, count_cost
from bench.measuring.environment import describe_environment
from bench.running.variants import CURATED
from bench.training.loop import Examples, Execution, Trainer
from bench.training.precision import resolve_precision
from bench.training.turns import alone
from benchmarks.training_ways import tutorial
from benchmarks.training_ways.spec import Spec, build, parse_model

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
        draw = trainer.augment.draw
        trainer.augment = self.timed("augmentation", trainer.augment)  # type: ignore[assignment]
        trainer.augment.draw = draw  # type: ignore[method-assign]
        trainer.loss = self.timed("forward", trainer.loss)  # type: ignore[method-assign]
        trainer.backward = self.timed("backward", trainer.backward)  # type: ignore[method-assign]
        trainer.update = self.timed("optimiser", trainer.update)  # type: ignore[method-assign]

    def timed(self, part: str, call: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        """``call`` with its time added to ``part``."""

        @wraps(call)  # what the trainer asks of its augmenter is answered too
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
        alone(self.trainer.epoch(1))
        total = time.perf_counter() - started
        return {**self.seconds, "outside": total - sum(self.seconds.values()), "total": total}


@dataclass
class Contest:
    """One model, trained in two ways, and what each took: seconds of each round."""

    spec: Spec
    clock: StepClock
    pictures: tutorial.Faces
    ours: list[dict[str, float]] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def turn(self, *, mine: bool) -> None:
        """All pictures once, in one of the ways."""
        if mine:
            self.ours.append(self.clock.epoch())
            return
        module = build(self.spec)
        started = time.perf_counter()
        tutorial.train(module, self.pictures, self.spec)
        self.theirs.append(time.perf_counter() - started)

    def summary(self, ceilings: list[float]) -> dict[str, Any]:
        """Medians over the rounds."""
        name, options = parse_model(self.spec.model)
        macs, images = count_cost(name, options).macs, len(self.pictures.images)
        work = FLOPS_PER_MAC * macs * PASSES * images
        totals = [epoch["total"] for epoch in self.ours]
        shares = [work / total / ceiling for total, ceiling in zip(totals, ceilings, strict=True)]
        ratios = [theirs / total for total, theirs in zip(totals, self.theirs, strict=True)]
        parts = {
            part: round(100 * statistics.median(epoch[part] / epoch["total"] for epoch in self.ours), 2)
            for part in self.ours[0]
            if part != "total"
        }
        return {
            "macs": macs,
            "images_per_second": round(images / statistics.median(totals), 1),
            "tutorial_images_per_second": round(images / statistics.median(self.theirs), 1),
            "ours_over_tutorial": round(statistics.median(ratios), 2),
            "ratio_spread": [round(min(ratios), 2), round(max(ratios), 2)],
            "gflops": round(work / statistics.median(totals) / 1e9, 1),
            "share_of_ceiling_percent": round(100 * statistics.median(shares), 1),
            "share_spread_percent": [round(100 * min(shares), 1), round(100 * max(shares), 1)],
            "time_percent": parts,
        }


def contest(word: str, faces: FaceSet, batch_size: int, precision: str) -> Contest:
    """A trainer with the model's own recipe but for the batch, long enough for all rounds; the tutorial's data."""
    name, options = parse_model(word)
    given = {"epochs": 10_000, "batch_size": batch_size, "growing_fraction": 0}
    recipe = Recipe(**{**architectures.get(name).recipe, **given})  # type: ignore[arg-type]
    torch.manual_seed(0)
    examples = Examples(torch.tensor(faces.images), torch.tensor(faces.keypoints), faces.scheme)
    trainer = Trainer(architectures.build(name, **options), examples, recipe, Execution("cpu", precision, 0))
    spec = Spec("", "", "", word, epochs=1, batch_size=batch_size, folds=())
    return Contest(spec, StepClock(trainer), tutorial.Faces(faces.images, faces.keypoints))


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="plain_cnn,resnet_custom,resnet_custom:width=96", help="Names, or curated.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=12)
    given = parser.parse_args()
    torch.set_num_threads(1)
    precision = resolve_precision("auto", "cpu")
    faces = load_faces(FaceSource(None))
    rows = given.batches * given.batch
    faces = replace(faces, images=faces.images[:rows], keypoints=faces.keypoints[:rows], groups=faces.groups[:rows])
    words = configuration(given.models, {}).run.models if given.models == CURATED else given.models.split(",")
    contests = [contest(word, faces, given.batch, precision) for word in words]
    generator = random.Random(0)
    ceilings: list[float] = []
    float32: list[float] = []
    for one in contests:
        one.clock.epoch()  # kernels are chosen and memory is found
    for number in range(given.rounds):
        ceilings.append(matrix_flops(precision))
        float32.append(matrix_flops("float32"))
        for one in contests:
            for mine in generator.sample([True, False], 2):
                one.turn(mine=mine)
            sys.stderr.write(
                f"round {number}: {one.spec.model} {one.ours[-1]['total']:.2f} s, {one.theirs[-1]:.2f} s\n"
            )
    document = {
        "environment": describe_environment(),
        "precision": precision,
        "matrix_product_gflops": round(statistics.median(ceilings) / 1e9, 1),
        "float32_product_gflops": round(statistics.median(float32) / 1e9, 1),
        "models": {one.spec.model: one.summary(ceilings) for one in contests},
    }
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
