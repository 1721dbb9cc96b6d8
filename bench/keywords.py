"""The keywords of the Python functions: typed once, shown in each signature, and turned into a configuration."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeAlias, TypedDict, TypeVar

from bench.config.loading import load_config
from bench.config.settings import Config
from bench.config.tuning import TuningSettings, parse_duration
from bench.errors import BenchError, DataError
from bench.faces.arrays import faces_of_arrays, store_faces
from bench.faces.face_set import FaceSet
from bench.running.variants import model_name, with_curated
from bench.signatures import spread

if TYPE_CHECKING:
    from torch import nn

Model: TypeAlias = "str | Callable[..., nn.Module]"
Data: TypeAlias = str | Path | FaceSet | Sequence[Any]
UNLIKE_OPTIONS = {"set": "assignments", "config": "config_file", "cell_timeout": "cell_timeout_s"}
"""Keywords that are not called what the option is."""
P = ParamSpec("P")
R = TypeVar("R")


class TrainingKeywords(TypedDict, total=False):
    """What every function that trains takes; None, or left out, means what the command line takes.

    Attributes:
        data: a file or folder of faces; ``"synthetic"``; a face set; or arrays ``(pictures, points)`` or ``(pictures,
            points, groups)``, in a tuple or a list: uint8 (N, side, side) or (N, side, side, 3), float (N, K, 2) in
            pixels with NaN where not labelled, and N values that say who is in each row.
        images: the folder of the photos that a COCO file names, where it is not the file's own.
        groups: a file, a column's name, ``"auto"`` or ``"none"``.
        folds, seed, epochs, out, workers, threads, device: as the options of ``bench run``.
        preset: ``"accurate"`` takes each model's recipe for lower errors in longer trainings.
        recipe: values over those of each model's own recipe, for all models: ``{"lr": 0.001}``.
        options: by model, its builder's options, and under ``"recipe"`` values for it alone.
        config_file: a TOML configuration, which all this stands over.
        assignments: as ``--set``: ``["recipe.lr=0.001"]``.
        progress: bars, on a terminal or in a notebook; None = where somebody watches.
        on_event: called with each event of :mod:`bench.running.events`, or :mod:`bench.tuning.announcements`.
    """

    data: Data | None
    images: str | Path | None
    groups: str | Path | None
    folds: int | None
    seed: int | None
    epochs: int | None
    out: str | Path | None
    workers: int | Literal["auto"] | None
    threads: int | None
    device: str | None
    preset: Literal["default", "accurate"] | None
    recipe: Mapping[str, Any] | None
    options: Mapping[Any, Mapping[str, Any]] | None
    config_file: str | Path | None
    assignments: Sequence[str] | None
    progress: bool | None
    on_event: Callable[[Any], None] | None


class RunKeywords(TrainingKeywords, total=False):
    """What :func:`run` takes besides: as the options of ``bench run``; ``latency=False`` measures none.

    ``race_budget`` is seconds, or ``"3h"``: its ``--budget``.
    """

    seeds: int | None
    quick: bool | None
    tuned: bool | None
    keep_weights: bool | None
    cell_timeout_s: float | None
    retry_failed: bool | None
    only_like: bool | None
    race: bool | None
    race_budget: str | float | None
    latency: bool | None
    precision: Literal["float32", "bfloat16"] | None


class TuneKeywords(TrainingKeywords, total=False):
    """What :func:`tune` takes besides: as the options of ``bench tune``; ``budget`` is seconds, or ``"30m"``."""

    trials: int | None
    budget: str | float | None
    inner_folds: int | None
    search_epochs: int | None
    space: str | Path | None
    max_ms: float | None
    max_params: int | None
    nested: bool | None
    prune: bool | None
    storage: str | None


class WeightsKeywords(TypedDict, total=False):
    """Whose weights: those that :func:`bench.fit` left under ``out``, those of the file ``weights``, or those that
    ``bench.run(..., keep_weights=True)`` kept for a ``fold`` (and ``seed``) there."""

    weights: str | Path | None
    fold: int | None
    seed: int | None
    out: str | Path | None


def spelt(function: Callable[P, R]) -> Callable[P, R]:
    """Show the keywords of a TypedDict in a function's signature, and answer a misspelt one with the nearest.

    What the function refuses is told by its keywords, not by the options of the command.
    """
    signature = spread(function)
    names = list(signature.parameters)

    @wraps(function)
    def called(*given: P.args, **keywords: P.kwargs) -> R:
        for name in keywords:
            if name not in names:
                close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
                hint = f"did you mean {close[0]}?" if close else f"it takes {', '.join(names)}"
                raise TypeError(f"{function.__name__}() got {name}; {hint}")
        try:
            return function(*given, **keywords)
        except BenchError as error:
            error.args = (_in_keywords(str(error), names),)
            raise

    called.__signature__ = signature  # type: ignore[attr-defined]
    return called


def _in_keywords(message: str, names: Sequence[str]) -> str:
    """A message in which options are called by a function's keywords; commands to type, in backticks, stay."""

    def keyword(option: re.Match[str]) -> str:
        word = (option[1] or "").replace("-", "_")
        name = UNLIKE_OPTIONS.get(word, word)
        return name if name in names else option[0]

    return re.sub(r"`[^`]*`|--([a-z]+(?:-[a-z]+)*)", keyword, message)


def configuration(models: "Sequence[Model] | str | None", settings: Mapping[str, Any]) -> Config:
    """The configuration that keywords ask for.

    Raises:
        ConfigError, DataError, ArchitectureError: a value, the arrays or a class that cannot be used.
    """
    of_functions = ("progress", "on_event")  # no settings: they say what is shown while the function works
    given = {name: value for name, value in settings.items() if value is not None and name not in of_functions}
    file, assignments = given.pop("config_file", None), given.pop("assignments", ())
    tables: dict[str, Any] = {"recipe": dict(given.pop("recipe", {}))}
    tables["models"] = {model_name(model): dict(values) for model, values in given.pop("options", {}).items()}
    if models is not None:
        given["models"] = models if isinstance(models, str) else [model_name(model) for model in models]
    if not isinstance(given.get("data", ""), str | Path):
        tables["data"] = {"stored": store_faces(as_faces(given.pop("data")))}
    if "groups" in given:
        given["groups"] = str(given["groups"])
    for budget in ("budget", "race_budget"):
        if budget in given:
            given[f"{budget}_s"] = parse_duration(str(given.pop(budget)))
    search = {name: given.pop(name) for name in TuningSettings.model_fields if name in given}
    return with_curated(load_config(Path(file) if file is not None else None, assignments, given, search, tables))


def as_faces(data: FaceSet | Sequence[Any]) -> FaceSet:
    """A face set as it is, or arrays as one: fifteen points are the default ones, others are numbered from 1.

    Raises:
        DataError: the arrays do not make a face set.
    """
    if isinstance(data, FaceSet):
        return data
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        found = f"{len(data)} arrays" if isinstance(data, tuple | list) else f"a {type(data).__name__}"
        raise DataError(f"data: {found}, expected a file, (pictures, points) or (pictures, points, groups)")
    return faces_of_arrays(*data)
