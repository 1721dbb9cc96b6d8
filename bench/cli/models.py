"""``bench models``: what can be compared, with its size."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options
from bench.cli.app import app

if TYPE_CHECKING:
    from bench.cli.console import Screen
    from bench.measuring.catalogue import CatalogueEntry
    from bench.scheme import Scheme


@app.command("models")
def models(
    timm: Annotated[
        str | None, typer.Option("--timm", metavar="PATTERN", help="Search timm's models instead, e.g. 'mobilenet*'.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="With --timm ('*' if not given): count which of them run, and why not.")
    ] = False,
    side: options.Side = 96,
    channels: options.Channels = 1,
    keypoints: options.Keypoints = 15,
    as_json: options.AsJson = False,
) -> None:
    """List what can be compared, with parameters and MACs for one picture.

    Every model of timm can be named as timm:NAME; a network of your own as FILE.py:NAME.
    """
    from bench.cli.console import Screen
    from bench.faces.arrays import scheme_of_size

    screen = Screen(as_json=as_json)
    scheme = scheme_of_size(keypoints, side, channels)
    if timm is None and not check:
        _list_registered(screen, scheme)
    else:
        _survey_timm(screen, timm or "*", scheme, check=check)


def _list_registered(screen: "Screen", scheme: "Scheme") -> None:
    from bench.measuring.catalogue import catalogue

    entries = catalogue(scheme)
    rows = [[one.name, one.family, one.summary, *_costs(one)] for one in entries]
    screen.table("", ["model", "family", "what it is", "parameters", "MACs"], rows, text_columns=3)
    _show_refused(screen, entries)
    screen.note("more: timm:NAME (`bench models --timm PATTERN`), FILE.py:NAME (`bench new`)")
    screen.result_json({"models": [asdict(one) for one in entries]})


def _survey_timm(screen: "Screen", pattern: str, scheme: "Scheme", *, check: bool) -> None:
    from architectures.timm_backbones import model_names
    from bench.errors import ConfigError
    from bench.measuring.survey import survey
    from bench.processes.cores import usable_cores

    names = model_names(pattern)
    if not names:
        raise ConfigError(f"--timm '{pattern}': no model of timm matches; try a pattern such as 'mobilenet*'")
    with screen.progress("models", len(names)) as advance:
        found = survey(names, scheme, usable_cores(), lambda _: advance())
    rows = [[one.name, *_costs(one)] for one in found if not one.reason]
    if rows and not (check and pattern == "*"):
        screen.table("", ["model", "parameters", "MACs"], rows)
    _show_refused(screen, found)
    if check:
        counts = Counter(one.status for one in found)
        totals = [[status, str(counts[status])] for status in ("ok", "refused")] + [["all", str(len(found))]]
        screen.table(f"timm's models at {scheme.frame_words}", ["status", "models"], totals)
    screen.result_json({"models": [asdict(one) for one in found]})


def _show_refused(screen: "Screen", entries: "Sequence[CatalogueEntry]") -> None:
    for one in entries:
        if one.reason:
            screen.say(f"refused: {one.name}: {one.reason}")


def _costs(entry: "CatalogueEntry") -> list[str]:
    from bench.reporting.number_text import format_count

    return [format_count(entry.parameters), format_count(entry.macs)]
