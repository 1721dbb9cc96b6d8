"""``bench verify``: whether to believe a board."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli import options
from bench.cli.app import EXIT_FAILED_CELLS, EXIT_USER, app

if TYPE_CHECKING:
    from bench.records.schema import Verification


@app.command("verify")
def verify(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Results folder.")] = options.DEFAULT_OUT,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="The faces. [the results' own file, where it stands]"),
    ] = None,
    groups: options.Groups = None,
    model: Annotated[str | None, typer.Option("--model", "-m", metavar="NAME", help="A cell of this model.")] = None,
    fold: Annotated[int | None, typer.Option("--fold", metavar="N", help="A cell of this fold, from 0.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every such cell, not one at random.")] = False,
    workers: Annotated[str, typer.Option("--workers", metavar="N|auto", help="Cells trained side by side.")] = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Say in one line whether to believe a board: all seals, the labels and folds, and a cell trained again.

    What came of it is recorded, and the board shows how many of its cells were verified.
    """
    from bench.api import search_material
    from bench.asking.verifying import Asked
    from bench.asking.verifying import verify as ask
    from bench.cli.console import Screen
    from bench.records.schema import CellRecord
    from bench.reporting.rebuilding import rebuild

    screen = Screen(as_json=as_json)

    def told(cell: CellRecord, found: "Verification | None", reason: str) -> None:
        screen.note(f"{cell.model}, fold {cell.fold}, seed {cell.seed}: {reason if found is None else _words(found)}")

    answer = ask(Asked(out, data, groups, model, fold, every), workers, told)
    rebuild(out, data, search_material(out, None))
    for name, found in answer.soundness.troubles.items():
        screen.warn(f"{len(found)} {name} {'file' if len(found) == 1 else 'files'}: {found[0]}")
    for reason in answer.against[1:]:
        screen.warn(reason)
    screen.say(answer.text)
    screen.result_json(
        {
            **vars(answer),
            "soundness": vars(answer.soundness),
            "repeated": [found.model_dump(mode="json") for found in answer.repeated],
            "believed": answer.believed,
            "text": answer.text,
        }
    )
    if answer.believed is not True:
        raise typer.Exit(EXIT_USER if answer.believed is None else EXIT_FAILED_CELLS)


def _words(found: "Verification") -> str:
    if found.verdict == "same bits":
        return "the same bits"
    errors = f"RMSE {found.recorded_rmse_px:.4f} px recorded, {found.repeated_rmse_px:.4f} px now"
    apart = f"{found.differing:,} coordinates differ by {found.rms_px:.3g} px RMS, {found.largest_px:.3g} px at most"
    return f"{found.verdict}: {apart}; {errors}"
