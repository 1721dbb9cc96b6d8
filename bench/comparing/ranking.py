"""Order, ties and intervals: 'these architectures differ', training variance included."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.comparing.floor import ResolutionFloor, resolution_floor
from bench.comparing.observations import Observations
from bench.comparing.pair_tests import SIGNIFICANCE, PairTest, holm_over_pairs, p_values, pair_tests, tie_groups
from bench.comparing.row_losses import RowLosses, row_losses
from bench.comparing.spread import Contrast, Spread, critical, spread


@dataclass(frozen=True)
class Ranking:
    """Models best first, with tie groups from 1 and 95 % intervals.

    Attributes:
        order: names, lowest RMSE first.
        rank: place of each, from 1.
        tie_group: step-down groups; models of one group are not told apart from its best.
        leading: the best candidate, and those that are not told apart from it; a better gate changes nothing here.
        interval_px: 95 % interval of each architecture's expected RMSE; absent where a run says nothing about it.
        pairs: the test of every pair, in ranked order.
        floor: the difference that would have been found in four cases out of five; None below two candidates.
        weak: some network has one seed, so that training variance is only estimated from folds.
        variance_px2: by model, what the variance of its RMSE is made of; absent where not measured.
    """

    order: tuple[str, ...]
    rank: Mapping[str, int]
    tie_group: Mapping[str, int]
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
    p = p_values(found)
    adjusted = holm_over_pairs(p, gate)
    candidates = np.flatnonzero(~gate).tolist()
    leading = [one for one in candidates if one == candidates[0] or adjusted[candidates[0], one] > SIGNIFICANCE]
    return Ranking(
        order=models,
        rank={model: place for place, model in enumerate(models, start=1)},
        tie_group={model: int(group) for model, group in zip(models, tie_groups(found.rmse_px, p, gate), strict=True)},
        leading=tuple(models[position] for position in leading),
        interval_px=intervals(models, found),
        pairs=pair_tests(models, found, p, adjusted),
        floor=resolution_floor(found, candidates, leading),
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
