"""``bench compare``: which of two models is better, out of what is recorded."""

from math import isnan
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import options
from bench.cli.app import app

if TYPE_CHECKING:
    from bench.reporting.board import Comparison


@app.command("compare")
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A model on the leaderboard.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    out: options.Out = options.DEFAULT_OUT,
    as_json: options.AsJson = False,
) -> None:
    """Say which of two models is better, by how much, how certainly and at which keypoints."""
    from bench.api import leaderboard
    from bench.cli.console import Screen

    screen = Screen(as_json=as_json)
    board = leaderboard(out)
    found = board.compare(first, second)
    for warning in board.warnings:
        screen.warn(warning)
    screen.say(found.text)
    screen.result_json(_as_json(found))


def _as_json(comparison: "Comparison") -> dict[str, Any]:
    found = comparison.verdict
    pair = found.pair
    known = not isnan(pair.standard_error_px)
    return {
        "a": pair.a,
        "b": pair.b,
        "rmse_px": {pair.a: found.rmse_px[0], pair.b: found.rmse_px[1]},
        "better": pair.better,
        "difference_px": pair.difference_px,
        "interval_px": list(pair.interval_px) if known else None,
        "p": pair.p,
        "p_holm": pair.p_holm,
        "pairs": found.pairs,
        "weak": pair.weak,
        "resolution_floor_px": found.floor.difference_px if found.floor is not None else None,
        "trained_models": {
            "difference_px": found.trained.difference_px,
            "interval_px": list(found.trained.interval_px),
            "p": found.trained.p,
        },
        "keypoints": [
            {
                "keypoint": one.keypoint,
                "rmse_px": dict(one.rmse_px),
                "better": one.winner,
                "p_holm": min(one.p.values()),
            }
            for one in found.keypoints
        ],
        "worst_5_percent_rmse_px": {pair.a: found.tails[0].rmse_px, pair.b: found.tails[1].rmse_px},
        "text": comparison.text,
    }
