"""File, ``--set`` and options merged into one :class:`Config`; every refusal is one line."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence, Set
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from bench.config.data import DataSettings
from bench.config.recipe import Frozen, Recipe
from bench.config.settings import QUICK_EPOCHS, Config, RunSettings, TunedOrigin
from bench.config.tuning import TuningSettings
from bench.errors import ConfigError

Tree = dict[str, Any]
KeyPath = tuple[str, ...]
Layer = tuple[str, Tree]
"""Where settings came from, as a message names it, and what they say."""
DEEPEST = 20
Made = TypeVar("Made", bound=Frozen)
TABLES: Mapping[str, type[Frozen]] = {
    "run": RunSettings, "data": DataSettings, "tuning": TuningSettings, "tuned": TunedOrigin
}  # fmt: skip


def load_config(
    file: Path | None = None,
    assignments: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    tuning: Mapping[str, Any] | None = None,
    tables: Mapping[str, Tree] | None = None,
) -> Config:
    """Merge: defaults < ``file`` < ``assignments`` (``recipe.lr=0.001``) < ``tables`` (``{"recipe": {"lr": 0.001}}``)
    < ``options`` (``[run]``) and ``tuning``.

    ``options`` whose value is None were not given; ``epochs`` among them means ``recipe.epochs``, and ``images``
    ``data.images``. What is typed overrules the file everywhere: a typed ``recipe.lr`` also its
    ``[models.NAME.recipe]``, and a typed ``quick`` its epochs. The configuration remembers what was typed, for the
    values that a search found.

    Raises:
        ConfigError: unreadable file, unknown key, value out of range; names where it came from.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    # Without the value, which may hold a password, whatever key was meant.
    typed = [(f"--set {text.partition('=')[0].strip()}", parse_assignment(text)) for text in assignments]
    typed += [(name, {name: table}) for name, table in (tables or {}).items() if table]
    if "epochs" in given:
        typed.append(("--epochs", {"recipe": {"epochs": given.pop("epochs")}}))
    if "images" in given:
        typed.append(("--images", {"data": {"images": given.pop("images")}}))
    for table, values in (("run", given), ("tuning", tuning or {})):
        typed += [(_option(name), {table: {name: value}}) for name, value in values.items()]
    said: Tree = {}
    for _, tree in typed:
        _merge(said, tree)
    if isinstance(said.get("run"), dict) and said["run"].get("quick") is True:
        quick: Tree = {"recipe": {"epochs": QUICK_EPOCHS}}
        _merge(quick, said)
        said = quick
    if file is not None:
        recipe = said.get("recipe")
        overruled = set(recipe) if isinstance(recipe, dict) else set()
        typed.insert(0, (str(file), _without(overruled, read_toml("--config", file))))
    return _validate(typed).with_typed(said)


def _option(field: str) -> str:
    return "--recipe" if field == "preset" else "--" + field.removesuffix("_s").replace("_", "-")


def _without(overruled: Set[str], tree: Tree, *, recipe: bool = False) -> Tree:
    """The tree without these keys in any of its recipes; ``recipe`` says that it is one."""
    return {
        key: _without(overruled, value, recipe=key == "recipe") if isinstance(value, dict) else value
        for key, value in tree.items()
        if not (recipe and key in overruled)
    }


def _validate(layers: Sequence[Layer]) -> Config:
    tree: Tree = {}
    for _, part in layers:
        _merge(tree, part)
    models: Tree = {}
    for name, table in _table(tree.get("models", {}), ("models",), layers).items():
        options = dict(_table(table, ("models", name), layers))
        models[name] = {"recipe": options.pop("recipe", {}), "options": options}
    config = _checked(Config, {**tree, "models": models}, (), layers)
    _checked(Recipe, config.recipe, ("recipe",), layers)
    for name, settings in config.models.items():
        _checked(Recipe, settings.recipe, ("models", name, "recipe"), layers)
    return config


def checked_table(kind: type[Made], values: Mapping[str, Any], name: str, origin: str) -> Made:
    """The table ``name`` of ``values``, which do not come from the user's configuration.

    Raises:
        ConfigError: unknown key or value out of range; begins with ``origin``.
    """
    return _checked(kind, dict(values), (name,), [(origin, {name: dict(values)})])


def checked_options(kind: type[Made], typed: Mapping[str, Any]) -> Made:
    """Settings that stand in no configuration file, made of a command's options by the names of the settings.

    Raises:
        ConfigError: a value out of range, named by its option.
    """
    return _checked(kind, dict(typed), (), [(_option(name), {name: value}) for name, value in typed.items()])


def _checked(kind: type[Made], values: Tree, place: KeyPath, layers: Sequence[Layer]) -> Made:
    """``values`` as ``kind``; only the first problem is told."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise ConfigError(_first_problem(kind, error, place, layers)) from error


def parse_assignment(text: str) -> Tree:
    """``recipe.lr=0.001`` -> ``{"recipe": {"lr": 0.001}}``; the value is TOML, or a plain word.

    Model names may hold dots and colons: ``models.timm:resnet18.pretrained=true``.

    Raises:
        ConfigError: no ``=``, or an empty key.
    """
    key, equals, raw = text.partition("=")
    parts = _split_key(key.strip())
    if not equals or not all(parts):
        start = re.match(r"[\w.]*", text.strip())
        raise ConfigError(f"--set {start[0] if start else ''}: expected KEY=VALUE such as recipe.lr=0.001")
    try:
        value: Any = tomllib.loads(f"value = {raw.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = raw.strip()
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--set {key}: no value that can be read ({error})") from error
    tree: Any = value
    for part in reversed(parts):
        tree = {part: tree}
    _refuse_deep(f"--set {key[:40]}", tree)
    return dict(tree)


def _refuse_deep(origin: str, tree: Tree) -> None:
    level: list[Any] = [tree]
    for _ in range(DEEPEST):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
    if level:
        raise ConfigError(f"{origin}: more than {DEEPEST} tables and lists inside one another; no setting lies so deep")


def _split_key(key: str) -> list[str]:
    if not key.startswith("models."):
        return key.split(".")
    name = key.removeprefix("models.")
    marker = ".recipe." if ".recipe." in name else "."
    model, _, option = name.rpartition(marker)
    middle = ["recipe"] if marker == ".recipe." else []
    return ["models", model.strip("\"'"), *middle, option]


def read_toml(option: str, file: Path) -> Tree:
    """The tables of a TOML file that an option of the command line names.

    Raises:
        ConfigError: it cannot be read or is not TOML; begins with ``option``.
    """
    try:
        with file.open("rb") as stream:
            tree = tomllib.load(stream)
    except OSError as error:
        raise ConfigError(f"{option} {file}: cannot be read ({error.strerror}); check the path") from error
    except (ValueError, RecursionError) as error:  # too many digits, or too deep
        raise ConfigError(f"{option} {file}: not valid TOML ({error})") from error
    _refuse_deep(f"{option} {file}", tree)
    return tree


def _merge(into: Tree, new: Mapping[str, Any]) -> None:
    for key, value in new.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = deepcopy(value)


def _table(value: object, path: KeyPath, layers: Sequence[Layer]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{_origin(path, layers)}: '{'.'.join(path)}' must be a table, found {value!r}")
    return value


def _first_problem(kind: type[Frozen], error: ValidationError, place: KeyPath, layers: Sequence[Layer]) -> str:
    problem = error.errors(include_url=False)[0]
    path = (*place, *map(str, problem["loc"]))
    if problem["type"] == "missing":
        return f"{_origin(path[:-1], layers)}: '{'.'.join(path)}' is missing"
    while len(path) > 1 and not any(_holds(tree, path) for _, tree in layers):
        path = path[:-1]  # pydantic adds which member of a union it tried
    origin, shown = _origin(path, layers), ".".join(path)
    if problem["type"] == "extra_forbidden":
        table = kind if len(problem["loc"]) == 1 else TABLES[str(problem["loc"][0])]
        return f"{origin}: unknown key '{shown}'; {nearest(path[-1], list(table.model_fields))}"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    found = problem["input"]
    if path[:1] == ("tuning",) and not isinstance(found, int | float):
        return f"{origin}: {shown}: {message}"  # it may be a URL with a password
    return f"{origin}: {shown} is {found!r}, {message}"


def nearest(name: str, known: Sequence[str]) -> str:
    """What was probably meant by an unknown name, or all that is known."""
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known here: {', '.join(known)}"


def _origin(path: KeyPath, layers: Sequence[Layer]) -> str:
    """Where the value at ``path`` came from: the last source that holds it."""
    return next((origin for origin, tree in reversed(layers) if _holds(tree, path)), "configuration")


def _holds(tree: object, path: KeyPath) -> bool:
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return False
        tree = tree[key]
    return True
