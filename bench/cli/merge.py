"""``bench merge``: the records of other machines beside one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options
from bench.cli.app import app

if TYPE_CHECKING:
    from bench.cli.console import Screen
    from bench.records.merging import Merged


@app.command("merge")
def merge(
    others: Annotated[list[Path], typer.Argument(metavar="OTHER...", help="Results folders, or their records/ alone.")],
    out: options.Out = options.DEFAULT_OUT,
    as_json: options.AsJson = False,
) -> None:
    """Bring the records of other results folders into --out, and rebuild its reports; the others are only read.

    What is recorded there already stays as it is, so that a second merge changes nothing.
    """
    from bench.api import search_material
    from bench.cli.console import Screen
    from bench.cli.show import show_leaderboard
    from bench.records.merging import merge as merge_records
    from bench.reporting.rebuilding import report_from_records

    screen = Screen(as_json=as_json)
    merged = merge_records(out, others)
    material, _ = report_from_records(out, search=search_material(out, None))
    show_leaderboard(screen, material.facts)
    _tell(screen, merged)
    screen.result_json({**vars(merged), "conflicts": [vars(conflict) for conflict in merged.conflicts]})


def _tell(screen: "Screen", merged: "Merged") -> None:
    for what, counts in (("taken", merged.taken), ("here already", merged.present)):
        screen.say(f"{what}: {', '.join(f'{kind} {count}' for kind, count in counts.items()) or 'nothing'}")
    for trouble, found in merged.left.items():
        screen.warn(f"{len(found)} {trouble} {'file' if len(found) == 1 else 'files'} left where they are: {found[0]}")
    for conflict in merged.conflicts:
        screen.warn(str(conflict))
    for protocol in merged.labelled_otherwise:
        screen.warn(f"truth/{protocol}.npz: other labels or people there, under the same digests; the first ones stay")
    for model in merged.asked_otherwise:
        screen.warn(f"{model}: asked for with other settings, code or versions there; the board shows the first ones")
