"""The Typer application that every command module registers itself on, and its exit codes."""

from typing import Annotated

import typer

app = typer.Typer(
    name="bench",
    help="Which network finds the points? Compares keypoint architectures under one k-fold protocol.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(
    help="Look at a data file, or draw synthetic faces.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(data_app, name="data")

EXIT_FAILED_CELLS = 1
EXIT_USER = 2
EXIT_FAULT = 3
EXIT_INTERRUPTED = 130
EXIT_UNREAD = 141


def _tell_version(asked: bool) -> None:
    if asked:
        import bench

        typer.echo(f"bench {bench.__version__}")
        raise typer.Exit


@app.callback()
def _bench(
    version: Annotated[bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell it.")] = False,
) -> None:
    """Which network finds the points? Compares keypoint architectures under one k-fold protocol."""
    del version
