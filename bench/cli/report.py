"""``bench report``: rebuild every report from the records."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app


@app.command("report")
def report(
    out: options.Out = options.DEFAULT_OUT,
    formats: Annotated[str, typer.Option("--format", metavar="LIST", help="Files to write.")] = "md,json,csv,html",
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="Pictures for the page. [the results' own file, where it stands]"),
    ] = None,
    storage: options.Storage = None,
    pack: Annotated[
        bool, typer.Option("--pack", help="Also write OUT/records/: all records, compressed, small enough to commit.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Rebuild leaderboard.md, .json, .csv and report.html from the records; nothing is trained.

    The records may stand in OUT/records/ alone, as --pack leaves them: also on another machine.
    """
    from bench.api import search_material
    from bench.cli.console import Screen
    from bench.cli.show import show_leaderboard
    from bench.records.store import RecordStore
    from bench.reporting.rebuilding import report_from_records

    screen = Screen(as_json=as_json)
    asked = tuple(dict.fromkeys(name.strip() for name in formats.split(",")))
    material, paths = report_from_records(out, asked, data, search_material(out, storage))
    show_leaderboard(screen, material.facts)
    screen.note("written: " + ", ".join(str(path) for path in paths))
    if pack:
        packed = RecordStore(out).pack()
        size_kb = sum(path.stat().st_size for path in packed) / 1000
        screen.note(f"packed: {len(packed)} files, {size_kb:,.0f} kB, in {out / 'records'}")
    screen.result_json(material.document)
