"""Row losses whose every source of noise is set by hand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.comparing.observations import Observations
from bench.comparing.row_losses import RowLosses


@dataclass(frozen=True)
class Layout:
    """Sixty people of ten rows in five folds, three seeds."""

    people: int = 60
    rows_each: int = 10
    folds: int = 5
    seeds: int = 3

    @property
    def groups(self) -> np.ndarray:
        return np.repeat(np.arange(self.people), self.rows_each)

    @property
    def fold_of_row(self) -> np.ndarray:
        return self.groups % self.folds


def draw_losses(
    means_px: Sequence[float], layout: Layout | None = None, noise: float = 0.05, seed: int = 0
) -> RowLosses:
    """Networks of these expected errors; people matter alike to all, each training shifts a cell by ``noise``."""
    layout = layout or Layout()
    generator = np.random.default_rng(seed)
    groups, folds = layout.groups, layout.fold_of_row
    person = np.exp(generator.normal(0, 0.3, layout.people))[groups]
    squared = []
    for mean_px in means_px:
        cells = np.exp(generator.normal(0, noise, (layout.seeds, layout.folds)))[:, folds]
        rows = np.exp(generator.normal(0, 0.1, (layout.seeds, len(groups))))
        squared.append(30 * mean_px**2 * person * cells * rows)
    names = tuple(f"net_{place}" for place in range(len(means_px)))
    return RowLosses(names, dict.fromkeys(names, "network"), tuple(squared), np.full(len(groups), 30.0), groups, folds)


def draw_observations(offsets_px: Sequence[float], seeds: int = 2, seed: int = 0) -> Observations:
    """Labels, and models that miss every point by about ``offset`` px in x and y."""
    generator = np.random.default_rng(seed)
    layout = Layout(people=30, rows_each=4)
    rows = len(layout.groups)
    truth = generator.uniform(20, 76, (rows, 15, 2)).astype(np.float32)
    predictions = {
        f"net_{place}": (truth + generator.normal(0, offset, (seeds, rows, 15, 2))).astype(np.float32)
        for place, offset in enumerate(offsets_px)
    }
    return Observations(truth, layout.groups, layout.fold_of_row, predictions, dict.fromkeys(predictions, "network"))
