"""``bench run``: train the named architectures under one protocol and leave a leaderboard."""

from contextlib import closing
from typing import Annotated, Unpack

import typer

from bench.cli import options
from bench.cli.app import EXIT_FAILED_CELLS, app


class RunOptions(options.CellOptions, total=False):
    """Options of ``bench run``, by the names of the settings."""

    seeds: Annotated[int | None, typer.Option("--seeds", metavar="N", help="Trainings per fold. [1]")]
    precision: options.UsedPrecision
    quick: Annotated[bool | None, typer.Option("--quick", help="One fold, few epochs: a try-out, not comparable.")]
    tuned: Annotated[bool | None, typer.Option("--tuned", help="Use what `bench tune` found, as NAME@tuned.")]
    keep_weights: Annotated[bool | None, typer.Option("--keep-weights", help="Keep the weights of every cell.")]
    retry_failed: Annotated[
        bool | None, typer.Option("--retry-failed", help="Train failed cells again, whatever they failed by.")
    ]
    only_like: Annotated[
        bool | None, typer.Option("--only-like", help="Refuse to go on with records of another kind of processor.")
    ]
    race: Annotated[
        bool | None, typer.Option("--race", help="Drop networks that can no longer be the best, fold by fold.")
    ]
    race_budget: Annotated[
        str | None, typer.Option("--budget", metavar="TIME", help="A race within a time such as 90m or 3h.")
    ]
    latency: Annotated[
        bool | None, typer.Option("--latency/--no-latency", help="Measure latency after training. [yes]")
    ]


@app.command("run")
@options.spread_options
def run(models: options.Models = None, *, as_json: options.AsJson = False, **typed: Unpack[RunOptions]) -> None:
    """Train architectures under one k-fold protocol and write the leaderboard.

    Whatever is already recorded under --out is not trained again.
    """
    from bench.keywords import configuration

    # What is refused here is refused before anything heavy loads.
    config = configuration(models, typed)

    from bench.api import run_and_report
    from bench.cli.console import Screen
    from bench.cli.run_display import RunDisplay
    from bench.cli.show import show_leaderboard

    screen = Screen(as_json=as_json)
    with closing(RunDisplay(screen)) as display:
        result, material = run_and_report(config, display)
    show_leaderboard(screen, material.facts)
    screen.note(f"written: {config.run.out / 'leaderboard.md'} and .json, .csv, report.html")
    screen.result_json(material.document)
    if result.failed:
        screen.warn(f"{len(result.failed)} cells failed; the leaderboard lists them")
        raise typer.Exit(EXIT_FAILED_CELLS)
