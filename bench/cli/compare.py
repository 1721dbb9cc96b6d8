"""``bench compare``: which of two models is better, out of what is recorded."""

import difflib
from math import isnan
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import options
from bench.cli.app import app
from bench.errors import ConfigError, RecordError

if TYPE_CHECKING:
    from bench.comparing.verdict import Verdict
    from bench.reporting.material import Material


@app.command("compare")
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A model on the leaderboard.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    out: options.Out = options.DEFAULT_OUT,
    as_json: options.AsJson = False,
) -> None:
    """Say which of two models is better, by how much, how certainly and at which keypoints."""
    from bench.cli.console import Screen
    from bench.comparing import verdict as verdicts
    from bench.records.store import RecordStore
    from bench.reporting.markdown import warnings_of
    from bench.reporting.material import collect
    from bench.reporting.verdict_words import verdict_words

    screen = Screen(as_json=as_json)
    material = collect(RecordStore(out))
    _check_ranked(material, first, second)
    found = verdicts.compare(material.observations.only(material.ranking.order), material.ranking, first, second)
    for warning in warnings_of(material.document):
        screen.warn(warning)
    screen.say(verdict_words(found))
    screen.result_json(_verdict_json(found))


def _check_ranked(material: "Material", first: str, second: str) -> None:
    known = material.ranking.order
    for name in (first, second):
        if name in material.observations.predictions and name not in known:
            raise RecordError(f"model '{name}' is incomplete; run the same `bench run` again to finish it")
        if name not in known:
            close = difflib.get_close_matches(name, known, n=2, cutoff=0.4)
            hint = f"did you mean {' or '.join(close)}?" if close else f"ranked are: {', '.join(known) or 'none'}"
            raise ConfigError(f"model '{name}' is not on the leaderboard under {material.out.name}; {hint}")
    if first == second:
        raise ConfigError(f"model '{first}' is named twice; name two models")


def _verdict_json(found: "Verdict") -> dict[str, Any]:
    from bench.reporting.verdict_words import verdict_words

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
        "text": verdict_words(found),
    }
