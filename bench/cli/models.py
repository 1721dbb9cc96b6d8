"""``bench models``: what can be compared, with its size."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options
from bench.cli.app import app

if TYPE_CHECKING:
    from bench.cli.console import Screen
    from bench.measuring.survey import Surveyed


@app.command("models")
def models(
    timm: Annotated[
        str | None, typer.Option("--timm", metavar="PATTERN", help="Search timm's models instead, e.g. 'mobilenet*'.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="With --timm ('*' if not given): count which run at 1x96x96, and why not.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """List what can be compared, with parameters and MACs at 1x96x96.

    Every model of timm can be named as timm:NAME; a network of your own as FILE.py:NAME.
    """
    from bench.cli.console import Screen

    screen = Screen(as_json=as_json)
    if timm is None and not check:
        _list_registered(screen)
    else:
        _survey_timm(screen, timm or "*", check)


def _list_registered(screen: "Screen") -> None:
    from bench.measuring.catalogue import catalogue
    from bench.reporting.number_text import format_count

    entries = catalogue()
    rows = [
        [one.name, one.family, one.summary, format_count(one.parameters), format_count(one.macs)] for one in entries
    ]
    screen.table("", ["model", "family", "what it is", "parameters", "MACs"], rows, text_columns=3)
    for one in entries:
        if one.reason:
            screen.say(f"refused: {one.name}: {one.reason}")
    screen.note("more: timm:NAME (`bench models --timm PATTERN`), FILE.py:NAME (`bench new`)")
    screen.result_json({"models": [one.as_json() for one in entries]})


def _survey_timm(screen: "Screen", pattern: str, check: bool) -> None:
    from architectures.machinery.names import TIMM_PREFIX
    from architectures.timm_backbones import model_names
    from bench.errors import ConfigError
    from bench.measuring.survey import survey
    from bench.processes.cores import usable_cores
    from bench.reporting.number_text import format_count

    names = model_names(pattern.removeprefix(TIMM_PREFIX))
    if not names:
        raise ConfigError(f"--timm '{pattern}': no model of timm matches; try a pattern such as 'mobilenet*'")
    with screen.progress("models", len(names)) as advance:
        found = survey(names, usable_cores(), lambda _: advance())
    rows = [
        [TIMM_PREFIX + one.name, format_count(one.parameters), format_count(one.macs)]
        for one in found
        if not one.reason
    ]
    if rows and not (check and pattern == "*"):
        screen.table("", ["model", "parameters", "MACs"], rows)
    for one in found:
        if one.reason:
            screen.say(f"refused: {TIMM_PREFIX}{one.name}: {one.reason}")
    if check:
        _show_counts(screen, found)
    screen.result_json({"models": [{**one.as_json(), "name": TIMM_PREFIX + one.name} for one in found]})


def _show_counts(screen: "Screen", found: "Sequence[Surveyed]") -> None:
    counts = Counter(one.status for one in found)
    rows = [[status, str(counts[status])] for status in ("ok", "refused")] + [["all", str(len(found))]]
    screen.table("timm's models at 1x96x96", ["status", "models"], rows)
