"""What the statistics say beyond the ranking itself, as plain data for ``leaderboard.json``."""

from typing import Any

from bench.comparing.floor import ResolutionFloor, improvements
from bench.comparing.keypoints import keypoint_results
from bench.comparing.observations import Observations
from bench.comparing.ranking import Ranking
from bench.comparing.row_losses import row_losses
from bench.comparing.tail import worst_tail

Document = dict[str, Any]


def comparison_summary(observations: Observations, ranking: Ranking, train_seconds: float) -> Document:
    """Floor and what lowers it, where variance comes from, winners per keypoint among candidates, the worst faces.

    Args:
        observations: at least of all ranked models.
        ranking: theirs.
        train_seconds: what the ranked candidates took to train, all cells together.
    """
    ranked = observations.only(ranking.order)
    candidates = [model for model in ranking.order if observations.kinds[model] != "gate"]
    tails = worst_tail(row_losses(ranked))
    return {
        "resolution_floor": None if ranking.floor is None else _floor(ranking.floor, train_seconds),
        "variance_px2": {
            model: {
                "data_split": parts.data_split,
                "training_seed": parts.seed_people + parts.seed_cell,
                "rest": parts.people,
            }
            for model, parts in ranking.variance_px2.items()
            if model in candidates
        },
        "keypoint_winners": [
            {"keypoint": one.keypoint, "best": one.best, "winner": one.winner, "tied": list(one.tied)}
            for one in keypoint_results(observations.only(candidates))
        ],
        "worst_5_percent_rmse_px": {
            model: {"rmse_px": tails[model].rmse_px, "ci95": tails[model].ci95} for model in tails
        },
    }


def _floor(floor: ResolutionFloor, train_seconds: float) -> Document:
    return {
        "difference_px": floor.difference_px,
        "standard_error_px": floor.standard_error_px,
        "pairs": floor.pairs,
        "lowered_by": [
            {
                "means": one.means,
                "from": one.before,
                "to": one.after,
                "floor_px": one.floor_px,
                "extra_minutes": one.extra_minutes,
            }
            for one in improvements(floor, train_seconds / 60)
        ],
    }
