"""``bench data convert``: any file or folder of faces as the CSV."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import data_app
from bench.errors import DataError

PERSON = "person"


@data_app.command("convert")
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="CSV, folder of .pts, COCO JSON or DeepLabCut.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.csv", help="File to write.")],
    images: options.Images = None,
    groups: options.Groups = None,
    config_file: options.ConfigFile = None,
    assignments: options.Assignments = None,
    as_json: options.AsJson = False,
) -> None:
    """Write faces of any form as the CSV, cut out and shrunk as they are trained on."""
    from bench.cli.console import Screen
    from bench.cli.data import scheme_words
    from bench.config.loading import load_config
    from bench.faces.csv_writing import settings_to_read, write_table
    from bench.faces.face_set import FaceSource
    from bench.faces.loading import load_table

    if out.suffix != ".csv" or out.is_dir():
        raise DataError(f"{out}: expected the name of a file that ends in .csv")
    if out.exists() and source.exists() and out.samefile(source):
        raise DataError(f"{out}: is the file to convert; give another name")
    screen = Screen(as_json=as_json)
    asked = {"data": source, "images": images, "groups": groups or "none"}
    faces, columns = load_table(FaceSource.of(load_config(config_file, assignments or (), asked)))
    if faces.grouping.startswith("file:"):
        columns = {**columns, PERSON: [str(number) for number in faces.groups.tolist()]}
    for note in faces.notes:
        screen.note(f"{faces.name}: {note}")
    try:
        write_table(faces, out, columns)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror})") from error
    needed = settings_to_read(faces.scheme)
    screen.say(f"{out}: {faces.rows:,} rows, {scheme_words(faces)}")
    if columns:
        screen.say(f"further columns, for --groups: {', '.join(columns)}")
    if needed:
        screen.say("read it with " + " ".join(f'--set "{one}"' for one in needed))
    screen.result_json(
        {
            "file": str(out),
            "rows": faces.rows,
            "fingerprint": faces.fingerprint,
            "columns": list(columns),
            "settings": needed,
            "notes": list(faces.notes),
        }
    )
