"""``bench tune``: search recipe and architecture parameters, fairly, and say whether it was worth it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from bench.cli import options
from bench.cli.app import EXIT_FAILED_CELLS, app

if TYPE_CHECKING:
    from bench.cli.console import Screen
    from bench.config.settings import Config


class TuneOptions(options.CellOptions, total=False):
    """Options of ``bench tune``, by the names of the settings."""

    trials: Annotated[int | None, typer.Option("--trials", metavar="N", help="Trials per architecture.")]
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="30m", help="Time for all, in equal shares. [30m without --trials]"),
    ]
    inner_folds: Annotated[int | None, typer.Option("--inner-folds", metavar="N", help="Folds of a trial. [3]")]
    search_epochs: Annotated[
        int | None, typer.Option("--search-epochs", metavar="N", help="Epochs inside the search. [40 %, at least 10]")
    ]
    space: Annotated[Path | None, typer.Option("--space", metavar="FILE", help="TOML: narrows the search.")]
    max_ms: Annotated[float | None, typer.Option("--max-ms", help="Longest forward time of one picture.")]
    max_params: Annotated[int | None, typer.Option("--max-params", help="Most parameters.")]
    nested: Annotated[bool | None, typer.Option("--nested", help="Search inside every outer fold: a rankable row.")]
    prune: Annotated[bool | None, typer.Option("--prune/--no-prune", help="Give up trials that fall behind. [yes]")]
    storage: options.Storage


@app.command("tune")
@options.spread_options
def tune(
    models: options.Models = None,
    *,
    show: Annotated[bool, typer.Option("--show", help="Show what was searched; nothing is trained.")] = False,
    as_json: options.AsJson = False,
    **typed: Unpack[TuneOptions],
) -> None:
    """Search parameters with Optuna inside the training part, then compare with the defaults on unseen rows.

    Stopped or killed, the same command goes on where it was; several at once share the work.
    """
    from bench.cli.console import Screen
    from bench.keywords import configuration

    config, screen = configuration(models, typed), Screen(as_json=as_json)
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
