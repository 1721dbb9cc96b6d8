"""Options that several commands share, declared once."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, TypeVar

import typer

from bench.errors import ConfigError
from bench.signatures import spread

if TYPE_CHECKING:
    from bench.config.recipe import Frozen

Command = TypeVar("Command", bound=Callable[..., None])

Models = Annotated[
    str | None, typer.Option("--models", "-m", metavar="A,B", help="Architectures, separated by commas.")
]
Model = Annotated[str, typer.Option("--model", "-m", metavar="NAME", help="Architecture, as `bench models` lists it.")]
Weights = Annotated[
    Path | None, typer.Option("--weights", metavar="FILE", help="Weights of that model. [what `bench fit` left]")
]
Fold = Annotated[int | None, typer.Option("--fold", metavar="N", help="Weights of one fold, kept by --keep-weights.")]
FoldSeed = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, help="Which of that fold's trainings (--seeds), from 0.")
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FILE|DIR",
        help="CSV, folder of .pts, COCO JSON, DeepLabCut, or synthetic. [data/KeyFacialPoints.csv, else synthetic]",
    ),
]
Images = Annotated[
    Path | None, typer.Option("--images", metavar="DIR", help="Photos that a COCO file names. [the file's folder]")
]
Groups = Annotated[
    str | None,
    typer.Option("--groups", metavar="FILE|COLUMN|auto|none", help="Who is in each row; these rows stay together."),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of records and reports.")]
UsedPrecision = Annotated[
    str | None,
    typer.Option(
        "--precision", metavar="float32|bfloat16", help="Of what comes after training: scores, latency. [float32]"
    ),
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any configuration key, e.g. recipe.lr=0.001.")
]
ConfigFile = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="A TOML configuration.")]
Keypoints = Annotated[int, typer.Option("--keypoints", metavar="N", min=1, help="Points of a picture.")]
Side = Annotated[int, typer.Option("--side", metavar="PX", min=16, max=1024, help="Width and height of a picture.")]
Channels = Annotated[Literal[1, 3], typer.Option("--channels", help="1 is grey, 3 is red, green and blue.")]
Storage = Annotated[
    str | None,
    typer.Option("--storage", metavar="URL", help="Searches: sqlite:///FILE or postgresql://... [a journal file]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else on stdout.")]


class TrainingOptions(TypedDict, total=False):
    """Options of every command that trains."""

    data: Data
    images: Images
    groups: Groups
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Where all randomness starts. [0]")]
    epochs: Annotated[int | None, typer.Option("--epochs", metavar="N", help="Same as --set recipe.epochs=N.")]
    preset: Annotated[
        str | None,
        typer.Option("--recipe", metavar="default|accurate", help="accurate: longer, for lower errors. [default]"),
    ]
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Results folder. [results]")]
    threads: Annotated[int | None, typer.Option("--threads", metavar="N", help="Threads of each training. [1]")]
    device: Annotated[str | None, typer.Option("--device", metavar="auto|cpu|cuda|mps", help="Where to train. [auto]")]
    assignments: Assignments
    config_file: ConfigFile


class CellOptions(TrainingOptions, total=False):
    """Options of the commands that train fold by fold."""

    folds: Annotated[int | None, typer.Option("--folds", metavar="N", help="Outer folds. [5]")]
    workers: Annotated[
        str | None, typer.Option("--workers", metavar="N|auto", help="Cells trained side by side. [auto]")
    ]
    cell_timeout_s: Annotated[
        float | None, typer.Option("--cell-timeout", metavar="SECONDS", help="Longest time for one training.")
    ]


DEFAULT_OUT = Path("results")


def parse_count(option: str, text: str | None) -> float | None:
    """``2M``, ``500k``, ``1.5G`` or a plain number above zero; None stays None.

    Raises:
        ConfigError: anything else.
    """
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kKMGB]?)", text.strip())
    if match is None or float(match[1]) == 0:
        raise ConfigError(f"{option} {text}: expected a number above zero such as 500k or 2M")
    return float(match[1]) * {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9}[match[2].lower()]


def spread_options(command: Command) -> Command:
    """Lets Typer see the options of a command's TypedDict one by one; one that was not typed is None."""
    command.__signature__ = spread(command, annotated=True)  # type: ignore[attr-defined]
    return command


def chosen(arguments: Mapping[str, Any], settings: "type[Frozen]") -> dict[str, Any]:
    """Of a command's arguments (its ``locals()``) those that were typed and are fields of ``settings``.

    An argument that was not typed is None, so a flag's default is None too.
    """
    return {name: arguments[name] for name in settings.model_fields if arguments.get(name) is not None}
