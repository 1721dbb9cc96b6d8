"""``bench check``: does a network keep the contract?"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import EXIT_FAILED_CELLS, app


@app.command("check")
def check(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="What `bench new` wrote, FILE.py:NAME, or any name of `bench models`."),
    ],
    keypoints: options.Keypoints = 15,
    side: options.Side = 96,
    channels: options.Channels = 1,
    as_json: options.AsJson = False,
) -> None:
    """Check a network: shape, finite, gradients, determinism, state, trains below the mean face, exports."""
    from bench.cli.console import Screen
    from bench.delivering.contract import CheckOutcome, check_contract
    from bench.delivering.skeleton import reference
    from bench.faces.arrays import scheme_of_size

    screen = Screen(as_json=as_json)

    def show(outcome: CheckOutcome) -> None:
        state = "ok  " if outcome.problem is None else "FAIL"
        screen.say(f"{state}  {outcome.name}: {outcome.demand} ({outcome.seconds:.1f} s)")
        if outcome.problem is not None:
            screen.say(f"      {outcome.problem}")

    model = reference(model, Path())
    outcomes = check_contract(model, show, scheme_of_size(keypoints, side, channels))
    failed = [outcome for outcome in outcomes if outcome.problem is not None]
    screen.say(f"{model}: {'keeps the contract' if not failed else f'{len(failed)} of {len(outcomes)} checks failed'}")
    screen.result_json({"model": model, "ok": not failed, "checks": [asdict(outcome) for outcome in outcomes]})
    if failed:
        raise typer.Exit(EXIT_FAILED_CELLS)
