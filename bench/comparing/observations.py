"""What is compared: out-of-fold predictions of every model beside the labels."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bench.scheme import SEED_SCHEME, Scheme


@dataclass(frozen=True)
class Observations:
    """Labels, groups, folds, and predictions of each model.

    Attributes:
        truth: float32 (N, K, 2) in pixels, NaN = not labelled.
        groups: int64 (N,).
        fold_of_row: int64 (N,).
        predictions: by model, float32 (S, N, K, 2) out-of-fold, NaN rows where a cell is missing; S is its own seeds.
        kinds: by model, ``network``, ``gate`` or ``ensemble``.
        seeds: by model, the numbers of its S seeds; 0 .. S-1 where a model is not named.
        scheme: what the K points are.
    """

    truth: NDArray[np.float32]
    groups: NDArray[np.int64]
    fold_of_row: NDArray[np.int64]
    predictions: Mapping[str, NDArray[np.float32]]
    kinds: Mapping[str, str]
    seeds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    scheme: Scheme = SEED_SCHEME

    def only(self, models: Collection[str]) -> "Observations":
        """The same with these models alone."""
        return replace(self, predictions={model: found for model, found in self.predictions.items() if model in models})

    def by_seed(self, model: str) -> dict[int, NDArray[np.float32]]:
        """Predictions of a model (N, K, 2) by the number of their seed."""
        found = self.predictions[model]
        return dict(zip(self.seeds.get(model, range(len(found))), found, strict=True))
