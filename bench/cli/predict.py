"""``bench predict``: keypoints of pictures."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli import options
from bench.cli.app import app


@app.command("predict")
def predict(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="Pictures (PNG, JPEG and the like), or a CSV.")
    ],
    model: options.Model,
    weights: options.Weights = None,
    fold: options.Fold = None,
    seed: options.FoldSeed = 0,
    out: options.Out = options.DEFAULT_OUT,
    crop: Annotated[
        str | None, typer.Option("--crop", metavar="X,Y,W,H", help="The part to see, in pixels. [the centre square]")
    ] = None,
    precision: Annotated[
        Literal["float32", "bfloat16"], typer.Option("--precision", help="What the network computes in.")
    ] = "float32",
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder for the results.")] = Path("predictions"),
    format_: Annotated[Literal["json", "csv"], typer.Option("--format", help="Form of the coordinates.")] = "json",
    draw: Annotated[
        bool | None, typer.Option("--draw/--no-draw", help="Draw the points. [pictures yes, rows of a CSV no]")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Find the keypoints in pictures with the weights of `bench fit`, or of one fold."""
    from bench.cli.console import Screen
    from bench.delivering import predicting
    from bench.delivering.photos import parse_crop
    from bench.delivering.trained import WeightsChoice, load_trained

    screen = Screen(as_json=as_json)
    face_crop = parse_crop(crop) if crop is not None else None
    trained = load_trained(WeightsChoice(model, out, weights, fold, seed))
    faces = predicting.read_faces(files, trained.facts.scheme, face_crop)
    predictions = predicting.predict_faces(trained, faces, precision)
    document = predicting.as_document(trained, predictions)
    target = to / f"predictions.{format_}"
    if format_ == "json":
        predicting.write_json(target, document)
    else:
        predicting.write_csv(target, predictions, trained.facts.scheme)
    drawn = predicting.draw_predictions(
        to, [one for one in predictions if (draw if draw is not None else one.face.row is None)]
    )
    screen.say(f"{trained.facts.model}: {len(predictions)} predicted; coordinates in {target}")
    if drawn:
        screen.say(f"drawn: {len(drawn)} pictures in {to}")
    screen.result_json(document)
