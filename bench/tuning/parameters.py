"""A searched parameter and the values it may take: one table of a search space."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, StrictBool, model_validator

from bench.config.recipe import Frozen

Value = str | int | float | bool
Params = Mapping[str, Value]


class Range(Frozen):
    """The values one parameter may take; ``search = false`` in a file takes it out."""

    type: Literal["int", "float", "categorical"]
    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = None
    log: bool = False
    choices: tuple[bool | int | float | str, ...] = ()
    search: StrictBool = Field(default=True, exclude=True)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problem = self._categorical_problem() if self.type == "categorical" else self._number_problem()
        if problem is not None:
            raise ValueError(problem)
        return self

    def _categorical_problem(self) -> str | None:
        if not self.choices or self.low is not None or self.high is not None or self.step or self.log:
            return "a categorical needs choices = [...], and no low, high, step or log"
        return None

    def _number_problem(self) -> str | None:
        low, high, step = self.low, self.high, self.step
        if low is None or high is None or self.choices:
            return "a number needs low and high, and no choices"
        if low > high:
            return f"low {low} is above high {high}; swap them"
        if self.log and low <= 0:
            return f"a log range cannot reach {low}; raise low above 0 or drop log"
        if self.log and step:
            return "a log range takes no step; drop one of them"
        if step is not None and step <= 0:
            return f"step {step} must be above 0"
        if self.type == "int" and not all(isinstance(end, int) for end in (low, high, step or 1)):
            return "an int needs whole low, high and step"
        return None

    def holds(self, value: object) -> bool:
        """Whether ``value`` is one of them."""
        if self.type == "categorical":
            return any(choice == value and type(choice) is type(value) for choice in self.choices)
        if not isinstance(value, int | float) or isinstance(value, bool) or self.low is None or self.high is None:
            return False
        if not self.low <= value <= self.high:
            return False
        steps = (value - self.low) / self.step if self.step else 0.0
        return math.isclose(steps, round(steps), abs_tol=1e-9)


@dataclass(frozen=True)
class Parameter:
    """One searched parameter: ``recipe.NAME`` or ``options.NAME``, its values and its default."""

    name: str
    range: Range
    default: Value


def split_params(params: Params) -> tuple[dict[str, Value], dict[str, Value]]:
    """``{"options.width": 32, "recipe.lr": 0.001}`` -> builder options and recipe values."""
    options = {name.removeprefix("options."): value for name, value in params.items() if name.startswith("options.")}
    recipe = {name.removeprefix("recipe."): value for name, value in params.items() if name.startswith("recipe.")}
    return options, recipe


def widened(found: Range, default: Value) -> Range | None:
    """A built-in range made to hold the model's own default; None where it cannot."""
    if found.holds(default):
        return found
    if found.type == "categorical":
        return found.model_copy(update={"choices": (*found.choices, default)})
    if isinstance(default, bool) or not isinstance(default, int | float) or (found.log and default <= 0):
        return None
    low, high = min(default, found.low or 0), max(default, found.high or 0)
    widened = found.model_copy(update={"low": low, "high": high, "step": None})
    return widened if widened.holds(default) else None
