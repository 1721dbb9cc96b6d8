"""Whether the answers of bench about simulated runs come true: probabilities of `bench choose`, forecasts of floors."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bench.comparing.choosing import probability_best
from bench.comparing.floor import Means, ResolutionFloor
from bench.comparing.ranking import rank_losses
from bench.comparing.row_losses import RowLosses
from bench.comparing.spread import spread
from benchmarks.findings import Finding, Share
from benchmarks.simulated_runs import Generator, Population, Protocol, simulated_run

DEVIATIONS = (0.0, 0.003, 0.01, 0.03, 0.1)
"""By how much the expected errors of a field of networks differ: standard deviations of their logarithm."""
COUNTS, SEEDS = (2, 5, 12), (1, 2, 3)
SURE_OF_EQUALS = 0.43
"""What the best of ten equal networks was once told on average."""
FORECAST_SEEDS = 2


def calibration(population: Population, runs: int) -> list[Finding]:
    """Of the answers of `bench choose` given with 70 to 80 %, how many are right? Over fields of all kinds together."""
    generator = np.random.default_rng(11)
    answers, equals = defaultdict[int, list[tuple[float, bool]]](list), list[float]()
    for _ in range(runs):
        deviation, count = float(generator.choice(DEVIATIONS)), int(generator.choice(COUNTS))
        expected = np.exp(generator.normal(0, deviation, count))
        protocol = Protocol(int(generator.choice(SEEDS)), factors=tuple(expected**2), same=False)
        found = spread(simulated_run(population, protocol, generator))
        probabilities, chosen = probability_best(found), int(np.argmin(found.rmse_px))
        if probabilities is not None:
            # Among equals any is the best with the same probability.
            right = chosen == int(np.argmin(expected)) if deviation else bool(generator.random() < 1 / count)
            told = float(probabilities[chosen])
            answers[min(int(10 * told), 9)].append((told, right))
            if not deviation and count == max(COUNTS):
                equals.append(told)
    findings = [_calibrated(tenth, answers[tenth]) for tenth in sorted(answers)]
    if not equals:
        return findings
    sure = Share.of(sum(told > SURE_OF_EQUALS for told in equals), len(equals))
    question = (
        f"choose: the winner of {max(COUNTS)} equal networks, told {np.mean(equals):.2f} on average, is told more than "
        f"{SURE_OF_EQUALS}"
    )
    return [*findings, Finding(question, sure, "lower end at most 10 %", sure.low <= 0.10)]


def _calibrated(tenth: int, answers: list[tuple[float, bool]]) -> Finding:
    told = float(np.mean([probability for probability, _ in answers]))
    share = Share.of(sum(right for _, right in answers), len(answers))
    within = share.low <= told + 0.05 and share.high >= told - 0.05
    question = (
        f"choose: answers given with {10 * tenth} to {10 * tenth + 10} % ({100 * told:.0f} % on average) are right"
    )
    return Finding(question, share, "within 5 points, or its interval is", within)


def forecasts(population: Population, runs: int) -> list[Finding]:
    """How often what more seeds, folds and people then really gave lies within the interval that was forecast."""
    enough = Protocol(2 * FORECAST_SEEDS, factors=(1.0,) * 4, same=False)
    plain = replace(enough, seeds=FORECAST_SEEDS)
    twice = replace(
        population,
        losses_px2=np.tile(population.losses_px2, 2),
        groups=np.concatenate([population.groups, population.groups + population.groups.max() + 1]),
    )

    def other_run(of: Population, protocol: Protocol) -> Callable[[Generator], tuple[RowLosses, RowLosses]]:
        return lambda generator: (
            simulated_run(population, plain, generator),
            simulated_run(of, protocol, generator),
        )

    def more_seeds(generator: Generator) -> tuple[RowLosses, RowLosses]:
        after = simulated_run(population, enough, generator)
        return replace(after, squared_px2=tuple(each[:FORECAST_SEEDS] for each in after.squared_px2)), after

    ways: dict[Means, Callable[[Generator], tuple[RowLosses, RowLosses]]] = {
        "seeds": more_seeds,
        "folds": other_run(population, replace(plain, folds=2 * plain.folds)),
        "people": other_run(twice, plain),
    }
    return [_forecast(means, drawn, runs) for means, drawn in ways.items()]


def _forecast(means: Means, drawn: Callable[[Generator], tuple[RowLosses, RowLosses]], runs: int) -> Finding:
    generator, within = np.random.default_rng(13), 0
    expected, found = [], []
    for _ in range(runs):
        before, after = (_floor(losses) for losses in drawn(generator))
        forecast = next(way for way in before.forecasts or () if way.means == means)
        expected.append(forecast.floor_px)
        found.append(after.difference_px)
        within += forecast.interval_px[0] <= after.difference_px <= forecast.interval_px[1]
    share = Share.of(within, runs)
    question = (
        f"floor with twice the {means} within its forecast's interval (median forecast {np.median(expected):.3f} px, "
        f"found {np.median(found):.3f} px)"
    )
    return Finding(question, share, "upper end at least 95 %", share.high >= 0.95)


def _floor(losses: RowLosses) -> ResolutionFloor:
    floor = rank_losses(losses).floor
    if floor is None:
        raise ValueError("needs two networks, and seeds or folds to tell them apart by")
    return floor
