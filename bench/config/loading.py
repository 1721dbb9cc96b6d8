"""File, ``--set`` and options merged into one :class:`Config`; every refusal is one line."""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.config.recipe import Recipe
from bench.config.settings import Config, RunSettings
from bench.config.tuning import TuningSettings
from bench.errors import ConfigError

Tree = dict[str, Any]


def load_config(
    file: Path | None = None,
    assignments: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    tuning: Mapping[str, Any] | None = None,
) -> Config:
    """Merge: defaults < ``file`` < ``assignments`` (``recipe.lr=0.001``) < ``options`` (``[run]``) and ``tuning``.

    ``options`` whose value is None were not given; ``epochs`` among them means ``recipe.epochs``.

    Raises:
        ConfigError: unreadable file, unknown key, value out of range; names where it came from.
    """
    tree: Tree = {}
    if file is not None:
        _merge(tree, _read_toml(file))
    for assignment in assignments:
        _merge(tree, parse_assignment(assignment))
    given = {name: value for name, value in (options or {}).items() if value is not None}
    if "epochs" in given:
        _merge(tree, {"recipe": {"epochs": given.pop("epochs")}})
    _merge(tree, {"run": given})
    if tuning:
        _merge(tree, {"tuning": dict(tuning)})
    return validate(tree, str(file) if file is not None else "configuration")


def validate(tree: Tree, origin: str = "configuration") -> Config:
    """Turn a merged tree into a :class:`Config`.

    Raises:
        ConfigError: unknown key or value out of range; only the first problem is told.
    """
    models: Tree = {}
    for name, table in _table(tree.get("models", {}), "models", origin).items():
        options = dict(_table(table, f"models.{name}", origin))
        models[name] = {"recipe": options.pop("recipe", {}), "options": options}
    known = {**tree, "models": models}
    try:
        config = Config(**known)
        Recipe(**config.recipe)
        for settings in config.models.values():
            Recipe(**settings.recipe)
    except ValidationError as error:
        raise ConfigError(_first_problem(error, known, origin)) from error
    return config


def checked_recipe(values: Mapping[str, Any], origin: str) -> Recipe:
    """The recipe of ``values``, which do not come from the user's configuration.

    Raises:
        ConfigError: unknown key or value out of range; begins with ``origin``.
    """
    try:
        return Recipe(**values)
    except ValidationError as error:
        raise ConfigError(_first_problem(error, {}, origin)) from error


def parse_assignment(text: str) -> Tree:
    """``recipe.lr=0.001`` -> ``{"recipe": {"lr": 0.001}}``; the value is TOML, or a plain word.

    Model names may hold dots and colons: ``models.timm:resnet18.pretrained=true``.

    Raises:
        ConfigError: no ``=``, or an empty key.
    """
    key, equals, raw = text.partition("=")
    parts = _split_key(key.strip())
    if not equals or not all(parts):
        raise ConfigError(f"--set {text}: expected KEY=VALUE such as recipe.lr=0.001")
    try:
        value: Any = tomllib.loads(f"value = {raw.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = raw.strip()
    tree: Any = value
    for part in reversed(parts):
        tree = {part: tree}
    return dict(tree)


def _split_key(key: str) -> list[str]:
    if not key.startswith("models."):
        return key.split(".")
    name = key.removeprefix("models.")
    marker = ".recipe." if ".recipe." in name else "."
    model, _, option = name.rpartition(marker)
    middle = ["recipe"] if marker == ".recipe." else []
    return ["models", model.strip("\"'"), *middle, option]


def _read_toml(file: Path) -> Tree:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise ConfigError(f"--config {file}: cannot be read ({error.strerror}); check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"--config {file}: not valid TOML ({error})") from error


def _merge(into: Tree, new: Mapping[str, Any]) -> None:
    for key, value in new.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def _table(value: object, where: str, origin: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{origin}: '{where}' must be a table, found {value!r}")
    return value


def _first_problem(error: ValidationError, tree: Tree, origin: str) -> str:
    problem = error.errors(include_url=False)[0]
    path = [str(part) for part in problem["loc"]]
    shown = ".".join(path)
    if error.title == "Recipe":
        shown = f"recipe.{shown}"
    if problem["type"] == "extra_forbidden":
        known = _known_keys(error.title, path, tree)
        close = difflib.get_close_matches(path[-1], known, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known here: {', '.join(known)}"
        return f"{origin}: unknown key '{shown}'; {hint}"
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{origin}: {shown} is {problem['input']!r}, {message}"


def _known_keys(title: str, path: list[str], tree: Tree) -> list[str]:
    if title == "Recipe":
        return list(Recipe.model_fields)
    if len(path) > 1 and path[0] in ("run", "tuning"):
        return list((RunSettings if path[0] == "run" else TuningSettings).model_fields)
    return list(Config.model_fields) if tree else []
