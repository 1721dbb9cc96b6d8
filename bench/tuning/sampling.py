"""Which parameters to try next: Optuna's TPE, seeded anew for each trial so that a resumed search repeats nothing."""

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial

from bench.records.keys import digest
from bench.tuning.ownership import counts
from bench.tuning.parameters import Parameter

RANDOM_TRIALS = 8
"""Trials drawn at random before TPE has enough to model."""


def distributions(space: tuple[Parameter, ...]) -> dict[str, BaseDistribution]:
    """A space in Optuna's words."""
    return {parameter.name: _distribution(parameter) for parameter in space}


def _distribution(parameter: Parameter) -> BaseDistribution:
    found = parameter.range
    if found.type == "categorical":
        return CategoricalDistribution(found.choices)
    assert found.low is not None and found.high is not None
    if found.type == "int":
        return IntDistribution(int(found.low), int(found.high), log=found.log, step=int(found.step or 1))
    return FloatDistribution(float(found.low), float(found.high), log=found.log, step=found.step)


class SteadySampler(TPESampler):
    """TPE whose random numbers depend on the seed and the trial's place alone.

    One generator for the whole search would start again at every resumption and draw what it drew before. A trial's
    place is its number less the interrupted ones before it: a search that was killed draws what it would have drawn.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self.seed = seed

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Begin anew for this trial."""
        before = (other for other in study.get_trials(deepcopy=False) if other.number < trial.number)
        place = sum(counts(other) or not other.state.is_finished() for other in before)
        fresh = int(digest({"seed": self.seed, "place": place}), 16) % 2**32
        super().__init__(seed=fresh, n_startup_trials=RANDOM_TRIALS)
        super().before_trial(study, trial)


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON and TOML can hold them."""
    return {name: value.item() if hasattr(value, "item") else value for name, value in params.items()}
