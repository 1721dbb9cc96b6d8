"""``bench choose``: one network for a budget, out of what is recorded."""

from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app


@app.command("choose")
def choose(
    max_ms: Annotated[
        float | None, typer.Option("--max-ms", metavar="MS", help="Median latency: one picture, one thread.")
    ] = None,
    max_params: Annotated[
        str | None, typer.Option("--max-params", metavar="N", help="Parameters, such as 500k or 2M.")
    ] = None,
    max_mb: Annotated[float | None, typer.Option("--max-mb", metavar="MB", help="Weights on disk.")] = None,
    out: options.Out = options.DEFAULT_OUT,
    as_json: options.AsJson = False,
) -> None:
    """Name one network within the limits, how probably it is the best of those, and the runners-up."""
    from dataclasses import asdict

    from bench.cli.console import Screen
    from bench.comparing.choosing import CostLimits
    from bench.reporting.board import Board

    screen = Screen(as_json=as_json)
    board = Board.of(out)
    choice = board.choose(CostLimits(max_ms, options.parse_count("--max-params", max_params), max_mb))
    for warning in (*board.warnings, *(f"{choice.model}: {flag}" for flag in choice.flags)):
        screen.warn(warning)
    screen.say(choice.text)
    for model, reason in choice.left_out.items():
        screen.note(f"left out: {model}, {reason}")
    letters = {row.model: row.letters for row in board.material.rows}
    best, *others = [{**asdict(option), "letters": letters[option.model]} for option in choice.options]
    others = [{**other, "told_apart": choice.told_apart[other["model"]]} for other in others]
    facts = {"flags": choice.flags, "left_out": choice.left_out, "weak_evidence": choice.weak}
    screen.result_json({**best, **facts, "runners_up": others})
