"""What a search found: two files per architecture, one for people and ``--config``, one for programs."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from bench.config.loading import checked_table
from bench.config.recipe import Recipe
from bench.errors import ConfigError
from bench.outside_text import escaped_json, printable
from bench.records.atomic import write_bytes, write_text
from bench.records.files import slug
from bench.records.schema import Stored, Versioned
from bench.records.sealing import sealed_text
from bench.records.store import RecordStore

Mode = Literal["plain", "nested"]


class FoldFinding(Stored):
    """What the search inside one outer fold found, and how it did on rows that the search never saw.

    Attributes:
        outer_fold: number of the outer fold.
        study: name of its study.
        options, recipe: the best parameters: builder options and recipe values.
        improved: whether any trial beat the defaults on the inner folds, or kept limits that they break.
        defaults_allowed: whether the defaults keep the limits asked for.
        inner_default_px, inner_best_px: RMSE on the inner folds, at the search's epochs.
        outer_default_px, outer_best_px: RMSE on the outer fold, both trained in full; None until they are.
        difference_px, interval_px: default - best on the outer fold with its 95 % interval (groups resampled).
        trials: counted trials by state.
        seconds: time spent in trials.
    """

    outer_fold: int
    study: str
    options: dict[str, Any] = Field(default_factory=dict)
    recipe: dict[str, Any] = Field(default_factory=dict)
    improved: bool = False
    defaults_allowed: bool = True
    inner_default_px: float | None = None
    inner_best_px: float | None = None
    outer_default_px: float | None = None
    outer_best_px: float | None = None
    difference_px: float | None = None
    interval_px: tuple[float, float] | None = None
    trials: dict[str, int] = Field(default_factory=dict)
    seconds: float = 0.0

    @property
    def optimism_gap_px(self) -> float | None:
        """(default - best) on the inner folds minus (default - best) on the outer fold."""
        inner = _gain_px(self.inner_default_px, self.inner_best_px)
        outer = _gain_px(self.outer_default_px, self.outer_best_px)
        return inner - outer if inner is not None and outer is not None else None


def _gain_px(default_px: float | None, best_px: float | None) -> float | None:
    return default_px - best_px if default_px is not None and best_px is not None else None


class TunedParameters(Versioned):
    """What ``bench run --tuned`` uses for one architecture.

    Attributes:
        model: as the user typed it.
        mode: ``plain`` (searched inside the first outer fold) or ``nested`` (inside each).
        protocol: digest of data and outer folds that the search belongs to.
        folds: one finding, or one per outer fold.
        adopted: whether the found parameters are to be used; a plain search whose result is not better on the outer
            fold leaves the defaults in place.
        verdict: the same in words.
        search_epochs, epochs: epochs inside the search and of the last comparison.
        asked_trials, budget_s: what each architecture was given; the same for all.
    """

    model: str
    mode: Mode
    protocol: str
    folds: tuple[FoldFinding, ...] = Field(min_length=1)
    adopted: bool
    verdict: str
    search_epochs: int
    epochs: int
    asked_trials: int | None = None
    budget_s: float | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Builder options to use where one set must serve: those of the first outer fold, or none."""
        return dict(self.folds[0].options) if self.adopted else {}

    @property
    def recipe(self) -> dict[str, Any]:
        """Recipe values to use where one set must serve."""
        return dict(self.folds[0].recipe) if self.adopted else {}

    def for_fold(self, outer_fold: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Options and recipe values for one outer fold: its own when nested, otherwise the one set there is.

        Raises:
            ConfigError: a nested search that did not reach this fold.
        """
        if self.mode == "plain":
            return self.options, self.recipe
        for finding in self.folds:
            if finding.outer_fold == outer_fold:
                return dict(finding.options), dict(finding.recipe)
        raise ConfigError(f"{self.model}: the nested search has not reached outer fold {outer_fold}; run it again")

    @property
    def comparison_failed(self) -> bool:
        """Whether a training on an outer fold failed."""
        return any(None in (fold.outer_default_px, fold.outer_best_px) for fold in self.folds)


def found_path(out: Path, model: str) -> Path:
    """The file for people and ``--config``."""
    name = model if re.fullmatch(r"[a-z0-9_]{1,60}", model) else slug(model)
    return out / "tuning" / f"{name}.toml"


def load_tuned(out: Path, model: str) -> TunedParameters:
    """What the newest search found for ``model``.

    Raises:
        ConfigError: nothing was searched under ``out``, the file is damaged, which is logged, or it holds a recipe that
            this bench does not know.
    """
    path = found_path(out, model).with_suffix(".json")
    found = _read(RecordStore(out), path)
    if found is None:
        raise ConfigError(
            f"--tuned: nothing sound found for {model} under {out / 'tuning'}; run `bench tune --models {model}` first"
        )
    for finding in found.folds:
        checked_table(Recipe, finding.recipe, "recipe", f"{path}, damaged or of another version of bench")
    return found


def all_tuned(out: Path) -> list[TunedParameters]:
    """Every readable finding under ``out``, by model name; others are logged."""
    store = RecordStore(out)
    found = (_read(store, path) for path in sorted((out / "tuning").glob("*.json")))
    return sorted((one for one in found if one is not None), key=lambda one: one.model)


def _read(store: RecordStore, path: Path) -> TunedParameters | None:
    def file_of(tuned: TunedParameters) -> str:
        return found_path(Path(), tuned.model).with_suffix(".json").as_posix()

    return store.read(path.relative_to(store.out).as_posix(), TunedParameters, file_of)


def write_tuned(out: Path, tuned: TunedParameters) -> Path:
    """Write both files; the path of the TOML one."""
    path = found_path(out, tuned.model)
    write_bytes(path.with_suffix(".json"), sealed_text(tuned.model_dump_json(by_alias=True, indent=1)))
    write_text(path, as_toml(tuned))
    return path


def as_toml(tuned: TunedParameters) -> str:
    """The file for people: a configuration, with everything else as comments."""
    lines = [f"# Found by bench tune ({tuned.mode}). {tuned.verdict}"]
    lines += [f"# {line}" for line in _history(tuned)]
    if tuned.mode == "nested":
        lines += [f"# Each outer fold has its own; below are those of fold {tuned.folds[0].outer_fold}."]
    lines += ["# Use: bench run --config THIS_FILE, or bench run --tuned", ""]
    used = _tables(tuned.model, tuned.options, tuned.recipe)
    if tuned.adopted:
        note = "# Rows over several folds with these values are flagged: the search has seen rows that they score."
        origin = [f"[tuned.{_key(tuned.model)}]", f"protocol = {_value(tuned.protocol)}"]
        return printable("\n".join([*lines, *used, "", note, *origin]) + "\n")
    first = tuned.folds[0]
    found = _tables(tuned.model, first.options, first.recipe)
    lines += [*used, "", "# The best of the search, not adopted:", *(f"# {line}" if line else "#" for line in found)]
    return printable("\n".join(lines) + "\n")


def _history(tuned: TunedParameters) -> list[str]:
    lines = [f"Epochs: {tuned.search_epochs} inside the search, {tuned.epochs} in the comparison."]
    for fold in tuned.folds:
        counts = ", ".join(f"{count} {state}" for state, count in fold.trials.items())
        lines.append(f"Outer fold {fold.outer_fold}: study {fold.study}; {counts}; {fold.seconds:.0f} s.")
        if fold.inner_default_px is not None and fold.inner_best_px is not None:
            lines.append(f"  Inner folds: default {fold.inner_default_px:.3f} px, best {fold.inner_best_px:.3f} px.")
        if fold.outer_default_px is not None and fold.outer_best_px is not None:
            lines.append(f"  Outer fold: default {fold.outer_default_px:.3f} px, best {fold.outer_best_px:.3f} px.")
    return lines


def _tables(model: str, options: Mapping[str, Any], recipe: Mapping[str, Any]) -> list[str]:
    key = _key(model)
    lines = [f"[models.{key}]", *(f"{name} = {_value(value)}" for name, value in options.items())]
    return [*lines, "", f"[models.{key}.recipe]", *(f"{name} = {_value(value)}" for name, value in recipe.items())]


def _key(model: str) -> str:
    return escaped_json(model)  # a JSON string is a TOML string


def _value(value: Any) -> str:
    """A TOML value: JSON writes strings, booleans and numbers in the same way (1e-05 included)."""
    return escaped_json(value)
