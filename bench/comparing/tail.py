"""The worst faces: how bad a model is where it is bad."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.comparing.ranking import intervals
from bench.comparing.row_losses import RowLosses
from bench.comparing.spread import spread

TAIL = 0.05


@dataclass(frozen=True)
class Tail:
    """RMSE over a model's own worst 5 % of rows and its 95 % interval (None where nothing is known about noise)."""

    rmse_px: float
    ci95: tuple[float, float] | None


def worst_tail(losses: RowLosses) -> Mapping[str, Tail]:
    """The worst 5 % of rows of each model, as a statement about architectures.

    The mean above a quantile t of a loss is the mean of t + max(loss - t, 0) / 5 % (expected shortfall; Rockafellar &
    Uryasev 2000), so the same linearisation as for the RMSE gives its uncertainty.
    """
    if not losses.models or not losses.counts.size:
        return {}
    above = []
    for squared in losses.squared_px2:
        per_row = squared / losses.counts
        threshold = np.nanquantile(per_row, 1 - TAIL)
        above.append(threshold + np.maximum(per_row - threshold, 0) / TAIL)
    found = spread(replace(losses, squared_px2=tuple(above), counts=np.ones_like(losses.counts)))
    known = intervals(losses.models, found)
    return {
        model: Tail(float(error), known.get(model)) for model, error in zip(losses.models, found.rmse_px, strict=True)
    }
