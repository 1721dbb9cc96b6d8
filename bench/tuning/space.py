"""Search spaces: plain data from the registry, the shared recipe space and a user's file, checked before training."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from architectures import Architecture, ArchitectureError, get
from bench.config.loading import checked_table, nearest, read_toml
from bench.config.recipe import Recipe
from bench.errors import ConfigError
from bench.running.variants import refuse_bad_build
from bench.scheme import SEED_SCHEME, Scheme
from bench.tuning.parameters import Parameter, Range, widened

RECIPE_SPACE: Mapping[str, Mapping[str, Any]] = {
    "weight_decay": {"type": "float", "low": 1e-3, "high": 0.3, "log": True},
    "loss": {"type": "categorical", "choices": ["wing", "smooth_l1", "l1", "mse"]},
    "batch_size": {"type": "categorical", "choices": [16, 32, 64]},
    "schedule": {"type": "categorical", "choices": ["one_cycle", "constant"]},
    "warmup_fraction": {"type": "float", "low": 0.05, "high": 0.4},
    "rotation_degrees": {"type": "float", "low": 0.0, "high": 30.0},
    "scale_fraction": {"type": "float", "low": 0.0, "high": 0.25},
    "shift_px": {"type": "float", "low": 0.0, "high": 12.0},
    "brightness": {"type": "float", "low": 0.0, "high": 0.3},
    "contrast": {"type": "float", "low": 0.0, "high": 0.5},
}
"""What is searched for every network, beside its learning rate, unless a ``--space`` file says otherwise."""

MIRRORING = ("recipe.flip", "recipe.test_time_flip")
"""Recipe values without a meaning where the scheme has no mirror."""

LEARNING_RATE_FACTOR = 4.0
"""The learning rate is searched from a quarter of the model's own to four times it: the sound rates of two networks
lie an order of magnitude apart, and a range for all would give most trials to rates at which one learns nothing."""


def search_space(
    architecture: Architecture,
    options: Mapping[str, Any],
    recipe: Recipe,
    file: Path | None = None,
    scheme: Scheme = SEED_SCHEME,
) -> tuple[Parameter, ...]:
    """The parameters to search for one architecture.

    Args:
        architecture: gives the space of its options.
        options: the options that hold where nothing is searched; over the builder's own defaults.
        recipe: the recipe that holds where nothing is searched.
        file: ``[recipe.NAME]``, ``[models."MODEL".NAME]`` and ``[models."MODEL".recipe.NAME]`` tables of
            ``type, low, high, step, log, choices``; keys given replace those of the built-in range (all of them where
            the type is another), ``search = false`` takes a parameter out, and ``replace = true`` at the top starts
            from an empty space.
        scheme: of the faces; without a mirror nothing about mirroring can be searched.

    Raises:
        ConfigError: an unreadable file, an unknown model, parameter or key, low above high, a log range through zero,
            a default outside its range.
    """
    given = _read(file) if file is not None else {}
    origin = f"--space {file}" if file is not None else f"search space of {architecture.name}"
    replace = given.get("replace", False)
    if not isinstance(replace, bool):
        raise ConfigError(f"{origin}: replace is {replace!r}; write true or false")
    raw = {} if replace else _built_in(architecture, recipe)
    defaults = default_params(architecture, options, recipe)
    from_file = set()
    for name, table in _given_tables(given, architecture.name, origin):
        if name in MIRRORING and scheme.mirror is None:
            raise ConfigError(f"{origin}: {name} cannot be searched: these points have no mirror image; take it out")
        if name not in defaults:
            raise ConfigError(
                f"{origin}: {name} cannot be searched for {architecture.name}; {nearest(name, sorted(defaults))}"
            )
        from_file.add(name)
        raw[name] = _over(raw.get(name, {}), table)
        if table.get("search") is False:
            del raw[name]
    parameters = []
    for name, table in raw.items():
        written = checked_table(Range, table, name, origin)
        found = written if name in from_file else widened(written, defaults[name])
        if found is None:
            continue
        parameter = Parameter(name, found, defaults[name])
        _refuse_impossible_values(architecture, options, scheme, parameter, origin)
        if not found.holds(parameter.default):
            raise ConfigError(
                f"{origin}: {name} leaves out the default {parameter.default!r}, which is always the first trial; "
                f"widen it or change the default with --set"
            )
        parameters.append(parameter)
    if not parameters:
        raise ConfigError(f"{origin}: nothing left to search for {architecture.name}; name at least one parameter")
    return tuple(parameters)


def default_params(architecture: Architecture, options: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    """Every parameter that could be searched, at its default."""
    known = {**architecture.option_defaults(), **options}
    named = {f"options.{name}": value for name, value in known.items() if value is not inspect.Parameter.empty}
    return named | {f"recipe.{name}": value for name, value in recipe.model_dump().items()}


def _built_in(architecture: Architecture, recipe: Recipe) -> dict[str, dict[str, Any]]:
    raw = {f"options.{name}": dict(table) for name, table in architecture.space.items()}
    low, high = (float(f"{recipe.lr * factor:.3g}") for factor in (1 / LEARNING_RATE_FACTOR, LEARNING_RATE_FACTOR))
    raw["recipe.lr"] = {"type": "float", "low": low, "high": high, "log": True}
    raw |= {f"recipe.{name}": dict(table) for name, table in RECIPE_SPACE.items()}
    if recipe.loss == "own":  # the network's loss is part of its idea: another one would be another network
        del raw["recipe.loss"]
    return raw


def _read(file: Path) -> dict[str, Any]:
    tree = read_toml("--space", file)
    for key in tree:
        if key not in ("replace", "recipe", "models"):
            raise ConfigError(f"--space {file}: unknown key '{key}'; known: replace, recipe, models")
    return tree


def _over(before: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """A built-in range with the keys that a file gives; nothing is kept of one of another type."""
    kept = before if table.get("type", before.get("type")) == before.get("type") else {}
    return {**kept, **table}


def _given_tables(given: Mapping[str, Any], searched: str, origin: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """By parameter. A file may speak of models that are not searched now, but not of some that do not exist."""
    models = _table(given, "models", origin)
    for name in models:
        try:
            if name != searched:
                get(name)
        except ArchitectureError as error:
            raise ConfigError(f"{origin}: {error}") from error
    own = _table(models, searched, origin)
    options = {key: value for key, value in own.items() if key != "recipe"}
    shared, special = _table(given, "recipe", origin), _table(own, "recipe", origin)
    for prefix, tree in (("recipe", shared), ("options", options), ("recipe", special)):
        for name in tree:
            yield f"{prefix}.{name}", _table(tree, name, origin)


def _table(tree: Mapping[str, Any], key: str, origin: str) -> Mapping[str, Any]:
    value = tree.get(key, {})
    if not isinstance(value, Mapping):
        raise ConfigError(f"{origin}: '{key}' must be a table such as {{low = 1, high = 2}}, found {value!r}")
    return value


def _refuse_impossible_values(
    architecture: Architecture, options: Mapping[str, Any], scheme: Scheme, parameter: Parameter, origin: str
) -> None:
    """The values of a recipe range must be recipes, those of an option's range must build."""
    kind, _, short = parameter.name.partition(".")
    for value in _samples(parameter.range):
        try:
            if kind == "recipe":
                checked_table(Recipe, {short: value}, "recipe", origin)
            else:
                refuse_bad_build(architecture, {**options, short: value}, scheme)
        except ArchitectureError as error:
            raise ConfigError(f"{origin}: {parameter.name} = {value!r} is refused: {error}") from error


def _samples(found: Range) -> Sequence[bool | int | float | str]:
    """Every choice, or both ends; of a float range also a value between, since 16.0 may pass for a whole number."""
    if found.low is None or found.high is None:
        return found.choices
    between = found.low + (found.step or 0.618 * (found.high - found.low))
    return (found.low, found.high, between) if found.type == "float" else (found.low, found.high)
