"""One architecture for a budget, and how probably it is the best of those that fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.comparing.observations import Observations
from bench.comparing.row_losses import Numbers, row_losses
from bench.comparing.spread import Spread, of_differences, spread

DRAWS = 50_000


@dataclass(frozen=True)
class Option:
    """A model that fits, its error and the probability that it is the best of those that fit (None: not known)."""

    model: str
    rmse_px: float
    probability_best: float | None


@dataclass(frozen=True)
class CostLimits:
    """What may be spent; None = anything. Latency is the median of one picture on one thread."""

    latency_ms: float | None = None
    parameters: float | None = None
    weights_mb: float | None = None

    def refusal(self, costs: "CostLimits") -> str | None:
        """Why a model of these costs does not fit, or None where it does."""
        asked = (
            ("latency", "ms", self.latency_ms, costs.latency_ms),
            ("parameters", "", self.parameters, costs.parameters),
            ("weights", "MB", self.weights_mb, costs.weights_mb),
        )
        for name, unit, limit, cost in asked:
            if limit is None:
                continue
            if cost is None:
                return f"{name} not measured"
            if cost > limit:
                return f"{name} {_shown(cost)} {unit}".rstrip() + f" above {_shown(limit)}"
        return None


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def options_by_error(observations: Observations, fitting: Sequence[str]) -> tuple[Option, ...]:
    """The models that fit, lowest error first, each with its probability of being the best of them.

    Deterministic: the same records give the same probabilities.
    """
    losses = row_losses(observations.only(fitting))
    if not losses.models or not losses.counts.size:
        return ()
    found = spread(losses)
    probabilities = probability_best(found)
    options = [
        Option(model, float(found.rmse_px[place]), None if probabilities is None else float(probabilities[place]))
        for place, model in enumerate(losses.models)
    ]
    return tuple(sorted(options, key=lambda option: (option.rmse_px, option.model)))


def probability_best(found: Spread) -> Numbers | None:
    """Share of draws in which each model has the lowest expected error, float64 (M,); None without any noise estimate.

    Draws are multivariate t around the observed errors with the covariance behind the tests: a posterior under a flat
    prior. What models share (hard people) cancels, as it does in the paired tests.
    """
    count = len(found.rmse_px)
    if count == 1:
        return np.ones(1)
    first, second = np.triu_indices(count, k=1)
    wanted = found.variance[first, second]
    if not np.isfinite(wanted).all():
        return None
    plain = of_differences(found.covariance)[first, second]
    known = plain > 0
    # Folds may differ by more than people and seeds explain: widen all differences as the tests do.
    widening = float(np.median(np.maximum(wanted[known] / plain[known], 1.0))) if known.any() else 1.0
    generator = np.random.default_rng(0)
    noise = generator.multivariate_normal(np.zeros(count), found.covariance * widening, size=DRAWS, method="eigh")
    degrees = float(np.median(found.degrees[first, second]))
    if np.isfinite(degrees):
        noise /= np.sqrt(generator.chisquare(degrees, size=DRAWS) / degrees)[:, None]
    best = np.argmin(found.rmse_px + noise, axis=1)
    return np.asarray(np.bincount(best, minlength=count) / DRAWS)


def split_by_limits(costs: Mapping[str, CostLimits], limits: CostLimits) -> tuple[tuple[str, ...], dict[str, str]]:
    """Names of the models that fit, and the reason for each other one."""
    refusals = {model: reason for model, own in costs.items() if (reason := limits.refusal(own)) is not None}
    return tuple(model for model in costs if model not in refusals), refusals
