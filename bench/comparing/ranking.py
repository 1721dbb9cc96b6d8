"""Order, ties and intervals: 'these architectures differ', training variance included."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.comparing.floor import ResolutionFloor, resolution_floor
from bench.comparing.letters import compact_letters
from bench.comparing.observations import Observations
from bench.comparing.pair_tests import (
    SIGNIFICANCE,
    PairTest,
    families,
    floors_px,
    holm_over_pairs,
    p_values,
    pair_tests,
)
from bench.comparing.row_losses import RowLosses, row_losses
from bench.comparing.spread import Contrast, Spread, critical, spread


@dataclass(frozen=True)
class Ranking:
    """Models best first, with letters and 95 % intervals: all that is said of them rests on ``pairs``.

    Attributes:
        order: names, lowest RMSE first.
        rank: place of each, from 1.
        letters: numbers from 1; two models share one exactly where their pair is not told apart.
        leading: the best candidate, and those that are not told apart from it; a better gate changes nothing here.
        interval_px: 95 % interval of each architecture's expected RMSE; absent where a run says nothing about it.
        pairs: the test of every pair, in ranked order.
        floor: what the run resolves, over its pairs; None below two candidates.
        weak: some network has one seed, so that training variance is only estimated from folds.
        variance_px2: by model, what the variance of its RMSE is made of; absent where not measured.
    """

    order: tuple[str, ...]
    rank: Mapping[str, int]
    letters: Mapping[str, tuple[int, ...]]
    leading: tuple[str, ...]
    interval_px: Mapping[str, tuple[float, float]]
    pairs: tuple[PairTest, ...]
    floor: ResolutionFloor | None
    weak: bool
    variance_px2: Mapping[str, Contrast]

    def pair(self, first: str, second: str) -> PairTest:
        """The test of two models, whichever way round they are named.

        Raises:
            KeyError: one of them is not ranked.
        """
        for test in self.pairs:
            if {test.a, test.b} == {first, second}:
                return test
        raise KeyError((first, second))


def rank(observations: Observations) -> Ranking:
    """Order complete models by pooled RMSE, with what this run can and cannot tell apart.

    Models may have unlike seeds, and a seed may lack folds that another one of the model has. Rows that a model lacks
    are left out.
    """
    return rank_losses(row_losses(observations))


def rank_losses(losses: RowLosses) -> Ranking:
    """Like :func:`rank`, from summed squared errors."""
    if not losses.models or not losses.counts.size:
        return Ranking((), {}, {}, (), {}, (), None, False, {})
    ordered = losses.of(
        sorted(range(len(losses.models)), key=lambda model: (losses.rmse_px[model], losses.models[model]))
    )
    found, models = spread(ordered), ordered.models
    gate = ordered.gates
    p, counted = p_values(found), families(gate)
    adjusted = holm_over_pairs(p, gate)
    apart = adjusted <= SIGNIFICANCE
    candidates = np.flatnonzero(~gate).tolist()
    leading = [one for one in candidates if one == candidates[0] or not apart[candidates[0], one]]
    return Ranking(
        order=models,
        rank={model: place for place, model in enumerate(models, start=1)},
        letters=dict(zip(models, compact_letters(apart), strict=True)),
        leading=tuple(models[position] for position in leading),
        interval_px=intervals(models, found),
        pairs=tuple(pair_tests(models, found, p, adjusted, floors_px(found, counted))),
        floor=resolution_floor(found, models, gate, counted),
        weak=not bool(found.measured.all()),
        variance_px2={
            model: found.contrast(position, position)
            for position, model in enumerate(models)
            if found.measured[position] and np.isfinite(found.variance[position, position])
        },
    )


def intervals(models: tuple[str, ...], found: Spread) -> dict[str, tuple[float, float]]:
    """95 % interval of each expected RMSE, symmetric on the logarithm (errors are skewed and positive)."""
    kept = {}
    for position, model in enumerate(models):
        rmse_px = float(found.rmse_px[position])
        error = float(np.sqrt(found.variance[position, position]))
        reach = float(critical(float(found.degrees[position, position]), 1 - SIGNIFICANCE / 2)) * error
        if np.isfinite(reach) and rmse_px > 0:
            factor = float(np.exp(reach / rmse_px))
            kept[model] = (rmse_px / factor, rmse_px * factor)
    return kept
