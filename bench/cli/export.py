"""``bench export``: a network as one file for other programs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli import options
from bench.cli.app import app


@app.command("export")
def export(
    model: options.Model,
    format_: Annotated[Literal["onnx", "pt2"], typer.Option("--format", help="ONNX, or an archive of torch.export.")],
    weights: options.Weights = None,
    fold: options.Fold = None,
    seed: options.FoldSeed = 0,
    out: options.Out = options.DEFAULT_OUT,
    data: options.Data = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where to. [OUT/exported/]")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Export a fitted network, and check that the file gives the same coordinates (under 0.01 px) on 256 pictures.

    The file takes float32 (batch, 1, 96, 96) grey 0 to 255 and gives pixels (batch, 15, 2), or what else the weights
    were trained for; the batch size is free.
    """
    from dataclasses import asdict

    from bench.cli.console import Screen
    from bench.delivering import exporting
    from bench.delivering.trained import WeightsChoice, load_trained
    from bench.records.files import slug

    screen = Screen(as_json=as_json)
    trained = load_trained(WeightsChoice(model, out, weights, fold, seed))
    frames = exporting.frames_to_check(trained, data)
    path = to or out / "exported" / f"{slug(trained.facts.model)}.{format_}"
    exported = exporting.export(trained, format_, path, frames)
    screen.say(
        f"{trained.facts.model}: largest difference {exported.largest_difference_px:.2g} px ({exported.faces} pictures)"
    )
    screen.say(f"written: {path}")
    screen.result_json({**asdict(exported), "path": str(path), "model": trained.facts.model})
