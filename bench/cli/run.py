"""``bench run``: train the named architectures under one protocol and leave a leaderboard."""

from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options
from bench.cli.app import EXIT_FAILED_CELLS, app

if TYPE_CHECKING:
    from bench.config.settings import Config


@app.command("run")
def run(
    models: options.Models = None,
    data: options.Data = None,
    groups: options.Groups = None,
    folds: options.Folds = None,
    seeds: options.Seeds = None,
    seed: options.Seed = None,
    epochs: options.Epochs = None,
    out: options.RunOut = None,
    workers: options.Workers = None,
    threads: options.Threads = None,
    device: options.Device = None,
    precision: options.UsedPrecision = None,
    assignments: options.Assignments = None,
    config_file: options.ConfigFile = None,
    quick: Annotated[
        bool | None, typer.Option("--quick", help="One fold, few epochs: a try-out, not comparable.")
    ] = None,
    tuned: Annotated[bool | None, typer.Option("--tuned", help="Use what `bench tune` found, as NAME@tuned.")] = None,
    keep_weights: Annotated[bool | None, typer.Option("--keep-weights", help="Keep the weights of every cell.")] = None,
    cell_timeout_s: options.CellTimeout = None,
    retry_failed: Annotated[
        bool | None, typer.Option("--retry-failed", help="Train failed cells again, whatever they failed by.")
    ] = None,
    only_like: Annotated[
        bool | None, typer.Option("--only-like", help="Refuse to go on with records of another kind of processor.")
    ] = None,
    latency: Annotated[
        bool | None, typer.Option("--latency/--no-latency", help="Measure latency after training. [yes]")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Train architectures under one k-fold protocol and write the leaderboard.

    Whatever is already recorded under --out is not trained again.
    """
    from bench.config.loading import load_config
    from bench.config.settings import RunSettings

    typed = options.chosen(locals(), RunSettings, "epochs")
    config = load_config(config_file, assignments or (), typed)
    _run(config, as_json)


def _run(config: "Config", as_json: bool) -> None:
    from bench.api import run_and_report
    from bench.cli.console import Screen
    from bench.cli.run_display import RunDisplay
    from bench.cli.show import show_leaderboard

    screen = Screen(as_json=as_json)
    with RunDisplay(screen) as display:
        result, material = run_and_report(config, display)
    show_leaderboard(screen, material.facts)
    screen.note(f"written: {config.run.out / 'leaderboard.md'} and .json, .csv, report.html")
    screen.result_json(material.document)
    if result.failed:
        screen.warn(f"{len(result.failed)} cells failed; the leaderboard lists them")
        raise typer.Exit(EXIT_FAILED_CELLS)
