"""``bench compare``: which of two models is better, out of what is recorded."""

from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app


@app.command("compare")
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A model on the leaderboard.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    out: options.Out = options.DEFAULT_OUT,
    as_json: options.AsJson = False,
) -> None:
    """Say which of two models is better, by how much, how certainly and at which keypoints."""
    from bench.cli.console import Screen
    from bench.reporting.board import Board
    from bench.reporting.verdict_words import verdict_document

    screen = Screen(as_json=as_json)
    board = Board.of(out)
    found = board.compare(first, second)
    for warning in board.warnings:
        screen.warn(warning)
    screen.say(found.text)
    screen.result_json(verdict_document(found.verdict))
