"""``bench data synth``: write synthetic faces in the users' format."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import data_app
from bench.errors import DataError

PICTURES_EACH = 4
"""At least so many of each person where --people is not given: with fewer, grouping means little."""


@data_app.command("synth")
def synth(
    rows: Annotated[int, typer.Option("--rows", metavar="N", min=1, max=1_000_000, help="Pictures to draw.")] = 2140,
    people: Annotated[
        int | None,
        typer.Option("--people", metavar="N", min=1, help="Different people in them. [180, or a quarter of --rows]"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Where all randomness starts.")] = 0,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.csv", help="File to write.")] = Path("synthetic.csv"),
    as_json: options.AsJson = False,
) -> None:
    """Draw faces with exactly known keypoints and write them as CSV, with a file of people beside it for --groups."""
    import numpy as np

    from bench.cli.console import Screen
    from bench.faces.csv_writing import write_faces
    from bench.faces.synthetic import DEFAULT_PEOPLE, synthetic_faces

    if out.suffix != ".csv":
        raise DataError(f"--out {out}: expected a name that ends in .csv")
    if out.is_dir():
        raise DataError(f"--out {out}: this is a folder; give the name of a file")
    screen = Screen(as_json=as_json)
    faces = synthetic_faces(rows, people or min(DEFAULT_PEOPLE, -(-rows // PICTURES_EACH)), seed)
    thousandths = np.round(faces.keypoints.astype(np.float64), 3).astype(np.float32)
    try:
        groups = write_faces(replace(faces, keypoints=thousandths), out)
    except OSError as error:
        raise DataError(f"--out {out}: cannot be written ({error.strerror})") from error
    screen.say(f"{out}: {faces.rows} faces of {faces.group_count} people, drawn by bench from seed {seed}")
    screen.say(f"{groups}: who is in each row; give it as --groups")
    screen.result_json(
        {
            "file": str(out),
            "groups": str(groups),
            "rows": faces.rows,
            "people": faces.group_count,
            "seed": seed,
            "fingerprint": faces.fingerprint,
        }
    )
