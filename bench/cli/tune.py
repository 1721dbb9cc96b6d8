"""``bench tune``: search recipe and architecture parameters, fairly, and say whether it was worth it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options
from bench.cli.app import EXIT_FAILED_CELLS, app

if TYPE_CHECKING:
    from bench.cli.console import Screen
    from bench.config.settings import Config


@app.command("tune")
def tune(
    models: options.Models = None,
    trials: Annotated[int | None, typer.Option("--trials", metavar="N", help="Trials per architecture.")] = None,
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="30m", help="Time for all, in equal shares. [30m without --trials]"),
    ] = None,
    data: options.Data = None,
    groups: options.Groups = None,
    folds: options.Folds = None,
    inner_folds: Annotated[int | None, typer.Option("--inner-folds", metavar="N", help="Folds of a trial. [3]")] = None,
    seed: options.Seed = None,
    epochs: options.Epochs = None,
    search_epochs: Annotated[
        int | None, typer.Option("--search-epochs", metavar="N", help="Epochs inside the search. [40 %, at least 10]")
    ] = None,
    out: options.RunOut = None,
    workers: options.Workers = None,
    threads: options.Threads = None,
    cell_timeout_s: options.CellTimeout = None,
    device: options.Device = None,
    space: Annotated[Path | None, typer.Option("--space", metavar="FILE", help="TOML: narrows the search.")] = None,
    max_ms: Annotated[float | None, typer.Option("--max-ms", help="Longest forward time of one picture.")] = None,
    max_params: Annotated[int | None, typer.Option("--max-params", help="Most parameters.")] = None,
    nested: Annotated[
        bool | None, typer.Option("--nested", help="Search inside every outer fold: a rankable row.")
    ] = None,
    prune: Annotated[
        bool | None, typer.Option("--prune/--no-prune", help="Give up trials that fall behind. [yes]")
    ] = None,
    storage: options.Storage = None,
    show: Annotated[bool, typer.Option("--show", help="Show what was searched; nothing is trained.")] = False,
    assignments: options.Assignments = None,
    config_file: options.ConfigFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Search parameters with Optuna inside the training part, then compare with the defaults on unseen rows.

    Stopped or killed, the same command goes on where it was; several at once share the work.
    """
    from bench.cli.console import Screen
    from bench.config.loading import load_config
    from bench.config.settings import RunSettings
    from bench.config.tuning import TuningSettings, parse_duration

    budget_s = parse_duration(budget) if budget is not None else None
    run_options = options.chosen(locals(), RunSettings, "epochs")
    search_options = options.chosen(locals(), TuningSettings)
    config = load_config(config_file, assignments or (), run_options, search_options)
    screen = Screen(as_json=as_json)
    if show:
        _show(config, screen)
    else:
        _tune(config, screen)


def _tune(config: "Config", screen: "Screen") -> None:
    from bench.cli.tune_display import TuneDisplay
    from bench.records.tuned import found_path
    from bench.tuning.history import read_studies
    from bench.tuning.tune import tune as search

    found = search(config, TuneDisplay(screen))
    for tuned in found:
        screen.say(f"{tuned.model}: {tuned.verdict}")
        screen.note(f"written: {found_path(config.run.out, tuned.model)}")
    screen.note("`bench run --tuned` ranks it beside the defaults and draws the search in report.html")
    if screen.as_json:
        studies = read_studies(config.run.out, config.tuning.storage)
        document = [tuned.model_dump(mode="json", by_alias=True) for tuned in found]
        screen.result_json({"found": document, "studies": [study.as_json() for study in studies]})
    if any(tuned.comparison_failed for tuned in found):
        raise typer.Exit(EXIT_FAILED_CELLS)


def _show(config: "Config", screen: "Screen") -> None:
    from bench.cli.tune_display import show_studies
    from bench.records.tuned import all_tuned
    from bench.tuning.history import read_studies

    studies = read_studies(config.run.out, config.tuning.storage)
    show_studies(screen, studies)
    for tuned in all_tuned(config.run.out):
        screen.say(f"{tuned.model}: {tuned.verdict}")
    screen.result_json({"studies": [study.as_json() for study in studies]})
