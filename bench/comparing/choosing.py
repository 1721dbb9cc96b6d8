"""One architecture for a budget, and how probably it is the best of those that fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.comparing.observations import Observations
from bench.comparing.row_losses import Numbers, row_losses
from bench.comparing.spread import Spread, of_differences, spread

DRAWS = 50_000
CONTENDING = 4.0
"""How many standard errors behind the best a model may be the best yet."""
DEVIATIONS: Numbers = np.geomspace(0.001, 0.3, 24)
"""By how much expected errors of networks may differ, as standard deviations of their logarithm."""
CERTAIN = 1e6
"""Degrees of freedom of what is as good as known."""


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
    """Probability of each model to have the lowest expected error, float64 (M,); None without any noise estimate.

    The lowest of several errors was also the luckiest, the more so the more there are and the less they differ. So the
    logarithms of the expected errors are taken to be drawn from a normal distribution whose deviation is not known:
    all from 0.1 to 30 % alike on the logarithm, weighted by how well each explains the errors seen (hierarchical model,
    Gelman et al., "Bayesian Data Analysis", ch. 5). Only models within four standard errors of the best speak in it:
    the others cannot be the best, and their distance says nothing of how those in front differ. What models share (hard
    people, an ensemble its members) cancels, by the covariance behind the tests.
    """
    count = len(found.rmse_px)
    if count == 1:
        return np.ones(1)
    first, second = np.triu_indices(count, k=1)
    if not np.isfinite(found.log_variance[first, second]).all():
        return None
    best = int(np.argmin(found.rmse_px))
    if found.rmse_px[best] == 0:  # where nothing is missed there is no logarithm
        faultless = found.rmse_px == 0
        return np.asarray(faultless / faultless.sum())
    behind = found.rmse_px / found.rmse_px[best]
    near = np.flatnonzero(np.log(behind) <= CONTENDING * np.sqrt(found.log_variance[best]))
    near = np.union1d(near, [best])
    share = np.zeros(count)
    share[near] = _shares(np.log(behind[near]), *_log_noise(found, near))
    return share


def _log_noise(found: Spread, near: NDArray[np.int64]) -> tuple[Numbers, float]:
    """Covariance (m, m) of the logarithms of the errors of these models, and its degrees of freedom."""
    errors = found.rmse_px[near]
    covariance = found.covariance[np.ix_(near, near)] / np.outer(errors, errors)
    first, second = np.triu_indices(len(near), k=1)
    if not first.size:
        return covariance, CERTAIN
    plain = of_differences(covariance)[first, second]
    degrees = float(np.median(found.degrees[np.ix_(near, near)][first, second]))
    if not found.measured.all():
        # A few folds make pairs look alike by chance: half of what is known of each is what is known of all.
        covariance = (covariance + np.eye(len(near)) * plain.mean() / 2) / 2
    elif (plain > 0).any():
        # Folds may differ by more than people and seeds explain: widen all differences as the tests do.
        wanted = found.log_variance[np.ix_(near, near)][first, second]
        covariance = covariance * float(np.median(np.maximum(wanted[plain > 0] / plain[plain > 0], 1.0)))
    return covariance, min(degrees, CERTAIN)


def _shares(logs: Numbers, noise: Numbers, degrees: float) -> Numbers:
    """Share of draws from the posterior in which each is the lowest: (m,).

    Args:
        logs: logarithms of the errors seen.
        noise, degrees: their covariance, and how well that is known.
    """
    count, generator = len(logs), np.random.default_rng(0)
    ones, own = np.ones(count), np.eye(count)
    evidence, posteriors = [], []
    for deviation in DEVIATIONS:
        variance = noise + deviation**2 * own
        precise = np.linalg.inv(variance)
        information = float(ones @ precise @ ones)
        common = float(ones @ precise @ logs) / information
        off = logs - common
        misfit = float(off @ precise @ off)
        evidence.append(
            -0.5 * (np.linalg.slogdet(variance)[1] + np.log(information))
            - 0.5 * (degrees + count - 1) * np.log1p(misfit / degrees)
        )
        drawn_in = deviation**2 * precise
        lost = ones - drawn_in @ ones
        scale = (degrees + misfit) / (degrees + count - 1)
        covariance = deviation**2 * (own - drawn_in) + np.outer(lost, lost) / information
        posteriors.append((common + drawn_in @ off, scale * covariance))
    weights = np.exp(np.array(evidence) - max(evidence))
    lowest = np.zeros(count)
    for times, (mean, covariance) in zip(
        generator.multinomial(DRAWS, weights / weights.sum()), posteriors, strict=True
    ):
        if times:
            drawn = generator.multivariate_normal(np.zeros(count), covariance, size=int(times), method="eigh")
            drawn /= np.sqrt(generator.chisquare(degrees + count - 1, size=(int(times), 1)) / (degrees + count - 1))
            lowest += np.bincount(np.argmin(mean + drawn, axis=1), minlength=count)
    return lowest / DRAWS


def split_by_limits(costs: Mapping[str, CostLimits], limits: CostLimits) -> tuple[tuple[str, ...], dict[str, str]]:
    """Names of the models that fit, and the reason for each other one."""
    refusals = {model: reason for model, own in costs.items() if (reason := limits.refusal(own)) is not None}
    return tuple(model for model in costs if model not in refusals), refusals
