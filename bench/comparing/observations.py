"""What is compared: out-of-fold predictions of every model beside the labels."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Observations:
    """Labels, groups, folds, and predictions of each model.

    Attributes:
        truth: float32 (N, 15, 2) in pixels, NaN = not labelled.
        groups: int64 (N,).
        fold_of_row: int64 (N,).
        predictions: by model, float32 (S, N, 15, 2) out-of-fold, NaN rows where a cell is missing; S is its seeds.
        kinds: by model, ``network``, ``gate`` or ``ensemble``.
    """

    truth: NDArray[np.float32]
    groups: NDArray[np.int64]
    fold_of_row: NDArray[np.int64]
    predictions: Mapping[str, NDArray[np.float32]]
    kinds: Mapping[str, str]

    def only(self, models: Collection[str]) -> "Observations":
        """The same with these models alone."""
        return replace(self, predictions={model: found for model, found in self.predictions.items() if model in models})
