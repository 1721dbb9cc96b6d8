"""``bench new``: a network of your own to start from."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.app import app


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits and _, such as my_net.")],
) -> None:
    """Write NAME.py, a commented network in plain torch, and its test, into this folder."""
    from bench.cli.console import Screen
    from bench.delivering.skeleton import class_name, write_skeleton

    screen = Screen()
    for path in write_skeleton(name, Path()):
        screen.say(f"written: {path}")
    screen.say(f"next: bench check {name}.py:{class_name(name)}")
