"""The comparison of two models."""

from dataclasses import dataclass

from bench.comparing.keypoints import KeypointResult, keypoint_tests
from bench.comparing.observations import Observations
from bench.comparing.pair_tests import PairTest
from bench.comparing.ranking import Ranking
from bench.comparing.row_losses import row_losses
from bench.comparing.tail import Tail, worst_tail
from bench.comparing.trained_models import TrainedModelsTest, trained_models_differ


@dataclass(frozen=True)
class Verdict:
    """Everything known about two models.

    Attributes:
        rmse_px: of ``pair.a`` and ``pair.b``, by the cells that both have.
        of_what_both_have: the two were not trained on the same cells, and some of either say nothing here.
        pair: claim two, the architectures; its better model is the verdict.
        trained: claim one, these trained models, ``a`` minus ``b``.
        keypoints: the same question at each keypoint, corrected with those of all that are compared.
        tails: the worst 5 % of rows of each.
        pairs: how many pairs the correction counts.
        with_gate: one of the two is a gate.
    """

    rmse_px: tuple[float, float]
    of_what_both_have: bool
    pair: PairTest
    trained: TrainedModelsTest
    keypoints: tuple[KeypointResult, ...]
    tails: tuple[Tail, Tail]
    pairs: int
    with_gate: bool


def compare(observations: Observations, ranking: Ranking, first: str, second: str) -> Verdict:
    """Compare two ranked models.

    Raises:
        KeyError: one of them is not ranked, or they are the same.
    """
    pair = ranking.pair(first, second)
    two = observations.only((pair.a, pair.b))
    losses = row_losses(two)
    a, b = losses.models.index(pair.a), losses.models.index(pair.b)
    both, cells = losses.pair(a, b), (losses.cells(a), losses.cells(b))
    tails = worst_tail(losses)
    with_gate = _has_gate(observations, pair)
    family = observations.only([one for one in ranking.order if with_gate or observations.kinds[one] != "gate"])
    return Verdict(
        rmse_px=(float(both.rmse_px[0]), float(both.rmse_px[1])),
        of_what_both_have=None not in cells and cells[0] != cells[1],
        pair=pair,
        trained=trained_models_differ(losses, a, b),
        keypoints=keypoint_tests(family).among((pair.a, pair.b)),
        tails=(tails[pair.a], tails[pair.b]),
        pairs=sum(_has_gate(observations, other) == with_gate for other in ranking.pairs),
        with_gate=with_gate,
    )


def _has_gate(observations: Observations, pair: PairTest) -> bool:
    return "gate" in (observations.kinds[pair.a], observations.kinds[pair.b])
