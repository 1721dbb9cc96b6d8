"""Limits that a trial's network must keep: its parameters, and its time for one picture."""

import json
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import numpy as np

from bench.config.tuning import TuningSettings
from bench.measuring.cost import count_cost
from bench.measuring.latency.process import MeasuringProcess
from bench.measuring.latency.target import Series, TargetPlan
from bench.tuning.parameters import Params, split_params

WARM_UP_LIMIT_S = 2.0
SAMPLES = 30
FORWARD = Series(batch=1, end_to_end=False)


class Constraints:
    """``--max-params`` and ``--max-ms``, measured once per set of options; a context manager that ends its process.

    A time taken beside running trainings is longer than in a quiet machine, so a network near the limit may be left
    out; the leaderboard measures it again under the full protocol.
    """

    def __init__(self, settings: TuningSettings, model: str, options: Mapping[str, Any]) -> None:
        self.settings = settings
        self.model = model
        self.options = dict(options)
        self._lock = threading.Lock()
        self._process: MeasuringProcess | None = None
        self._known: dict[tuple[str, str], float] = {}

    def __enter__(self) -> "Constraints":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.close()

    def active(self) -> dict[str, Callable[[Params], float]]:
        """By name, how far parameters are above the limit; zero or less is allowed."""
        found: dict[str, Callable[[Params], float]] = {}
        if self.settings.max_params is not None:
            limit = self.settings.max_params
            found["parameters"] = lambda params: self._once("parameters", params, self._parameters) - limit
        if self.settings.max_ms is not None:
            most_ms = self.settings.max_ms
            found["ms"] = lambda params: round(self._once("ms", params, self._milliseconds) - most_ms, 4)
        return found

    def _once(self, name: str, params: Params, measure: Callable[[dict[str, Any]], float]) -> float:
        options = {**self.options, **split_params(params)[0]}
        key = (name, json.dumps(options, sort_keys=True))
        with self._lock:
            if key not in self._known:
                self._known[key] = measure(options)
            return self._known[key]

    def _parameters(self, options: dict[str, Any]) -> float:
        return count_cost(self.model, options).parameters

    def _milliseconds(self, options: dict[str, Any]) -> float:
        if self._process is None:
            self._process = MeasuringProcess(1)
        self._process.begin_load(TargetPlan(self.model, options))()
        self._process.warm_up(FORWARD, WARM_UP_LIMIT_S)
        return float(np.median(self._process.turn(FORWARD, SAMPLES).samples_ms))
