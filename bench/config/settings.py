"""What a run is asked to do: data, protocol, machine, models."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, field_validator

from bench.config.data import DataSettings
from bench.config.recipe import Frozen, Recipe
from bench.config.tuning import TuningSettings
from bench.errors import ConfigError

QUICK_EPOCHS = 4

Precision = Literal["float32", "bfloat16"]


class RunSettings(Frozen):
    """The ``[run]`` table and the options of ``bench run``.

    ``precision`` is that of everything after training: predictions that are scored, latency. None is that of a record
    where there is one, else float32. Training has its own, in the recipe. ``race_budget_s`` is the wall time of a
    race, and asks for one. ``preset`` names which of a network's own recipes it is trained by.
    """

    models: tuple[str, ...] = ("resnet_custom", "plain_cnn")
    data: Path | None = None
    groups: str = "auto"
    folds: int = Field(default=5, ge=2, le=100)
    seeds: int = Field(default=1, ge=1, le=1000)
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    out: Path = Path("results")
    workers: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    threads: int = Field(default=1, ge=1, le=1024)
    device: str = "auto"
    precision: Precision | None = None
    preset: Literal["default", "accurate"] = "default"
    cell_timeout_s: float | None = Field(default=None, gt=0)
    retry_failed: bool = False
    only_like: bool = False
    race: bool = False
    race_budget_s: float | None = Field(default=None, gt=0)
    quick: bool = False
    keep_weights: bool = False
    tuned: bool = False
    latency: bool = True

    @field_validator("models", mode="before")
    @classmethod
    def _listed(cls, models: object) -> object:
        """``"A, B"`` as a list."""
        names = [name.strip() for name in models.split(",")] if isinstance(models, str) else models
        if isinstance(names, list | tuple) and "" in names:
            raise ValueError("an empty name; write A,B")
        return names

    @field_validator("workers", mode="before")
    @classmethod
    def _counted(cls, workers: object) -> object:
        if isinstance(workers, bool) or (isinstance(workers, str) and workers != "auto" and not workers.isdecimal()):
            raise ValueError("expected auto or a number from 1")
        return workers

    @property
    def raced(self) -> bool:
        """Whether networks that can no longer be the best are dropped on the way."""
        return self.race or self.race_budget_s is not None

    @property
    def folds_trained(self) -> int:
        """Outer folds that are trained: all, or the first alone for a try-out."""
        return 1 if self.quick else self.folds


class ModelSettings(Frozen):
    """One ``[models."name"]`` table: options of the builder, and recipe values for this model alone."""

    options: dict[str, Any] = Field(default_factory=dict)
    recipe: dict[str, Any] = Field(default_factory=dict)


class TunedOrigin(Frozen):
    """One ``[tuned."name"]`` table: a search has chosen this model's values, having seen rows of these folds."""

    protocol: str


class Config(Frozen):
    """A whole configuration: file and command line merged over the defaults.

    ``recipe`` holds only what the user set, so that an architecture's own recipe can stand between it and the defaults.
    ``tuned`` is written by ``bench tune``, so that parameters are known for tuned ones wherever their file goes.
    """

    run: RunSettings = RunSettings()
    data: DataSettings = DataSettings()
    recipe: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, ModelSettings] = Field(default_factory=dict)
    tuning: TuningSettings = TuningSettings()
    tuned: dict[str, TunedOrigin] = Field(default_factory=dict)
    _typed: dict[str, Any] = PrivateAttr(default_factory=dict)

    def recipe_for(self, model: str, family_recipe: dict[str, Any]) -> Recipe:
        """The effective recipe: defaults < the architecture's own < ``[recipe]`` < ``[models.NAME.recipe]``."""
        own = self.models[model].recipe if model in self.models else {}
        quick = {"epochs": QUICK_EPOCHS} if self.run.quick else {}
        return Recipe(**{**family_recipe, **quick, **self.recipe, **own})

    def options_for(self, model: str) -> dict[str, Any]:
        """Builder options the user set for this model."""
        return dict(self.models[model].options) if model in self.models else {}

    def with_typed(self, typed: Mapping[str, Any]) -> Self:
        """This configuration, in which these tables are what was typed; their values it has already."""
        known = self.model_copy()
        known._typed = dict(typed)
        return known

    def with_found(self, model: str, options: Mapping[str, Any], recipe: Mapping[str, Any]) -> Self:
        """This configuration with the values that a search found for one model, over what a file says.

        Raises:
            ConfigError: another value was typed: it must win, and what is trained would not be what was found.
        """
        typed_options = self._typed.get("models", {}).get(model, {})
        typed_recipe = {**self._typed.get("recipe", {}), **typed_options.get("recipe", {})}
        for table, found, typed in ((model, options, typed_options), ("recipe", recipe, typed_recipe)):
            for name in found.keys() & typed.keys():
                if typed[name] != found[name]:
                    raise ConfigError(
                        f"{model}@tuned: {table}.{name} = {typed[name]} is typed, and the search found {found[name]}; "
                        f"leave it out, take {model} alone, or write it in a --config file, where {model} alone has it"
                    )
        before = self.models.get(model, ModelSettings())
        after = ModelSettings(options={**before.options, **options}, recipe={**before.recipe, **recipe})
        return self.model_copy(update={"models": {**self.models, model: after}})
