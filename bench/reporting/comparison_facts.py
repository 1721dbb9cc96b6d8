"""What the statistics say beyond the ranking itself, as plain data for ``leaderboard.json``."""

from dataclasses import asdict
from typing import Any

from bench.comparing.floor import ResolutionFloor
from bench.comparing.keypoints import keypoint_tests
from bench.comparing.observations import Observations
from bench.comparing.ranking import Ranking
from bench.comparing.row_losses import row_losses
from bench.comparing.tail import worst_tail
from bench.reporting.board_facts import rounded


def comparison_facts(observations: Observations, ranking: Ranking, train_seconds: float) -> dict[str, Any]:
    """Floor and what lowers it, where variance comes from, winners per keypoint among candidates, the worst rows.

    Args:
        observations: at least of all ranked models.
        ranking: theirs.
        train_seconds: what the ranked candidates took to train, all cells together.
    """
    candidates = [model for model in ranking.order if observations.kinds[model] != "gate"]
    tails = worst_tail(row_losses(observations.only(ranking.order)))
    found = {
        "resolution_floor": _floor_facts(ranking.floor, train_seconds / 60) if ranking.floor is not None else None,
        "variance_px2": {
            model: {
                "data_split": parts.data_split,
                "training_seed": parts.seed_people + parts.seed_cell,
                "rest": parts.people,
            }
            for model, parts in ranking.variance_px2.items()
            if model in candidates
        },
        "keypoint_winners": [asdict(one) for one in keypoint_tests(observations.only(candidates)).among(candidates)],
        "worst_5_percent_rmse_px": {model: asdict(tail) for model, tail in tails.items()},
    }
    plain: dict[str, Any] = _rounded_within(found)
    return plain


def _floor_facts(floor: ResolutionFloor, train_minutes: float) -> dict[str, Any]:
    """The floor, and what would lower it; None for that where a second seed has to be trained first."""
    ways = floor.forecasts
    lowered = ways and [
        {
            "means": way.means,
            "from": way.before,
            "to": way.after,
            "floor_px": way.floor_px,
            "interval_px": way.interval_px,
            "extra_minutes": way.more_training * train_minutes,
        }
        for way in ways
    ]
    return {
        "difference_px": floor.difference_px,
        "range_px": floor.range_px,
        "pairs": floor.pairs,
        "lowered_by": lowered,
    }


def _rounded_within(found: Any) -> Any:
    """The same with every float rounded."""
    if isinstance(found, dict):
        return {name: _rounded_within(value) for name, value in found.items()}
    if isinstance(found, list | tuple):
        return [_rounded_within(value) for value in found]
    return rounded(found) if isinstance(found, float) else found
