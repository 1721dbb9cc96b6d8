"""What every way of training is given and what it gives back, so that all of them do the same work."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

import architectures

LEARNING_RATE = 1e-3
"""Adam's own default, as tutorials use it."""


@dataclass(frozen=True)
class Spec:
    """One piece of work.

    Attributes:
        data, groups: the file of faces and its groups, as ``bench run`` takes them.
        faces: the same decoded, for the ways that have no reader: an npz file with images uint8 (N, 96, 96), keypoints
            float32 (N, 15, 2) in pixels, fold_of_row int64 (N,).
        model: an architecture of ours, with options if any: ``NAME:width=96``; every way trains the same module.
        epochs, batch_size, seed: the same for every way.
        folds: which folds to train and score, one after the other or side by side.
        workers: processes, for the ways that have them.
        device: ``cpu`` or ``cuda``.
        growing: whether ours may show small pictures first, where the recipe says so; else all see the same pixels.
        peers_python: the interpreter that has the peers; empty = one of an environment made for them.
    """

    data: str
    groups: str
    faces: str
    model: str
    epochs: int
    batch_size: int
    folds: Sequence[int]
    seed: int = 0
    workers: int = 1
    device: str = "cpu"
    growing: bool = False
    peers_python: str = ""


@dataclass(frozen=True)
class Fold:
    """Rows of one fold: uint8 (n, 96, 96) and float32 (n, 15, 2)."""

    train_images: NDArray[np.uint8]
    train_keypoints: NDArray[np.float32]
    scored_images: NDArray[np.uint8]
    scored_keypoints: NDArray[np.float32]


@dataclass(frozen=True)
class Outcome:
    """What a way took and reached.

    Attributes:
        seconds: from the start of the first fold's training to the last one's scoring, without imports and reading.
        images: training images presented in that time.
        squared_px2: per fold, the sum of squared coordinate errors over its scored rows.
        coordinates: per fold, how many coordinates were scored.
    """

    seconds: float
    images: int
    squared_px2: Sequence[float]
    coordinates: Sequence[int]

    def rmse_px(self, folds: Sequence[int] = ()) -> float:
        """Over all folds, or those at these places."""
        places = folds or range(len(self.coordinates))
        squared, count = (sum(values[place] for place in places) for values in (self.squared_px2, self.coordinates))
        return float((squared / count) ** 0.5)


def load_fold(spec: Spec, fold: int) -> Fold:
    """The rows of one fold."""
    with np.load(spec.faces) as arrays:
        images, keypoints, fold_of_row = arrays["images"], arrays["keypoints"], arrays["fold_of_row"]
    train, scored = fold_of_row != fold, fold_of_row == fold
    return Fold(images[train], keypoints[train], images[scored], keypoints[scored])


def parse_model(word: str) -> tuple[str, dict[str, int]]:
    """``NAME:width=96:blocks=2`` -> name and options."""
    name, *pairs = word.split(":")
    return name, {key: int(value) for key, _, value in (pair.partition("=") for pair in pairs)}


def build(spec: Spec) -> nn.Module:
    """The untrained module."""
    name, options = parse_model(spec.model)
    return architectures.build(name, **options)


def squared_errors(predicted: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """Sum of squared errors in pixels squared, both (n, 15, 2)."""
    return float(((predicted.astype(np.float64) - truth) ** 2).sum())


def serve(work: Callable[[Spec], Outcome]) -> None:
    """Read the spec named on the command line, do the work, print the outcome."""
    spec = Spec(**json.loads(Path(sys.argv[1]).read_text()))
    sys.stdout.write(json.dumps(asdict(work(spec))) + "\n")
