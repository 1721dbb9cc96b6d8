"""Limits that a trial's network must keep: its parameters, and its time for one picture."""

import json
import threading
from collections.abc import Callable

import numpy as np

from bench.config.tuning import TuningSettings
from bench.measuring.cost import count_cost
from bench.measuring.latency.networks import FORWARD, Plan, TimedModel
from bench.measuring.latency.stopwatch import ANSWER_LIMIT_S, Stopwatch
from bench.processes.servant import Servant
from bench.records.schema import VariantFacts
from bench.scheme import Scheme
from bench.tuning.parameters import Params, split_params

WARM_UP_LIMIT_S = 2.0
SAMPLES = 30


class Constraints:
    """``--max-params`` and ``--max-ms``, measured once per network in a process that :meth:`close` ends.

    A time taken beside running trainings is longer than in a quiet machine, so a network near the limit may be left
    out; the leaderboard measures it again under the full protocol.
    """

    def __init__(self, settings: TuningSettings, model: str, variant: VariantFacts, scheme: Scheme) -> None:
        """Args:
        settings: the limits.
        model: name of the architecture.
        variant: its defaults, which a trial's parameters override.
        scheme: of the faces.
        """
        self.settings = settings
        self.model = model
        self.variant = variant
        self.scheme = scheme
        self._lock = threading.Lock()
        self._process = Servant(Stopwatch, limit_s=ANSWER_LIMIT_S)
        self._known: dict[tuple[str, str], float] = {}

    def close(self) -> None:
        """End the process that measures."""
        self._process.close()

    def excess(self, params: Params) -> dict[str, float]:
        """By the limits asked for, how far parameters are above each; zero or less is allowed."""
        above: dict[str, float] = {}
        if self.settings.max_params is not None:
            above["parameters"] = self._once("parameters", params, self._parameters) - self.settings.max_params
        if self.settings.max_ms is not None:
            above["ms"] = round(self._once("ms", params, self._milliseconds) - self.settings.max_ms, 4)
        return above

    def _once(self, name: str, params: Params, measure: Callable[[TimedModel], float]) -> float:
        options, recipe = split_params(params)
        options = {**self.variant.options, **options}
        flip = bool(recipe.get("test_time_flip", self.variant.network_recipe.test_time_flip))
        key = (name, json.dumps([options, flip], sort_keys=True))
        with self._lock:
            if key not in self._known:
                self._known[key] = measure(TimedModel(self.model, self.model, options, self.scheme, flip))
            return self._known[key]

    def _parameters(self, timed: TimedModel) -> float:
        return count_cost(self.model, timed.options, timed.scheme).parameters

    def _milliseconds(self, timed: TimedModel) -> float:
        ask = self._process.begin
        ask(Stopwatch.load, Plan(timed)).wait()
        ask(Stopwatch.warm_up, FORWARD, WARM_UP_LIMIT_S).wait()
        return float(np.median(ask(Stopwatch.turn, FORWARD, SAMPLES).wait().samples_ms))
