"""How often the comparisons of bench are right: simulated A/A runs, coverage, power; and real retrainings.

    python -m benchmarks.comparison_simulation --out results --json benchmarks/comparison_simulation.json

``--out`` names records of a run with two seeds or more: person, row, fold and seed effects are fitted to its networks.
Where it holds a network with twenty seeds or more, its real retrainings are compared with one another as well.
Without it, plausible effects are assumed and the result says so.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from bench.comparing.ranking import Ranking, rank_losses
from bench.comparing.row_losses import RowLosses, row_losses
from bench.comparing.spread import spread
from bench.records.atomic import write_text
from bench.records.store import RecordStore
from bench.reporting.material import collect
from benchmarks.findings import Finding, Share
from benchmarks.simulated_answers import calibration, forecasts
from benchmarks.simulated_runs import Population, Protocol, fitted_population, plausible_population, simulated_run

MIN_RETRAININGS = 20
STRONG_FOLD_EFFECT = 0.04


def rankings(population: Population, protocol: Protocol, runs: int, seed: int) -> Iterator[tuple[RowLosses, Ranking]]:
    """Simulate and rank ``runs`` times."""
    generator = np.random.default_rng(seed)
    for _ in range(runs):
        losses = simulated_run(population, protocol, generator)
        yield losses, rank_losses(losses)


def equal_architectures(population: Population, protocol: Protocol, runs: int) -> list[Finding]:
    """A/A: how often is anything called different, and does the interval cover the expected error?"""
    different = people_only = covered = 0
    for losses, ranking in rankings(population, protocol, runs, seed=protocol.seeds):
        different += any(pair.apart for pair in ranking.pairs)
        people_only += _differs_for_people(losses)
        low, high = ranking.interval_px["net_000"]
        covered += low <= population.expected_rmse_px <= high
    count = len(protocol.factors)
    kind = "seeds of one architecture" if protocol.same else "equal architectures"
    name = f"{count} {kind}, {_seeds(protocol.seeds)}"
    false_alarms, coverage = Share.of(different, runs), Share.of(covered, runs)
    findings = [
        Finding(f"{name}: some called different", false_alarms, "lower end at most 5 %", false_alarms.low <= 0.05)
    ]
    if count == 2:
        findings.append(
            Finding(
                f"{name}: different by claim one (people only)", Share.of(people_only, runs), "for comparison", None
            )
        )
        within = 0.93 <= coverage.share <= 0.97
        findings.append(
            Finding(
                f"{name}: 95 % interval covers the expected error",
                coverage,
                "93 to 97 %",
                within,
            )
        )
    return findings


def planted_difference(population: Population, seeds: int, runs: int) -> Finding:
    """Two architectures whose expected errors differ by the floor that such runs print: how often is it found?"""
    pilot = Protocol(seeds=seeds, same=False)
    floor_px = _mean_floor(population, pilot, runs // 2)
    half = floor_px / 2 / population.expected_rmse_px
    planted = replace(pilot, factors=((1 - half) ** 2, (1 + half) ** 2))
    found = sum(ranking.pairs[0].better == "net_000" for _, ranking in rankings(population, planted, runs, seed=99))
    share = Share.of(found, runs)
    question = f"difference of one floor ({floor_px:.3f} px) planted, {_seeds(seeds)}: found"
    return Finding(question, share, "75 to 85 %", 0.75 <= share.share <= 0.85)


def retrainings(losses: RowLosses, model: int) -> list[Finding]:
    """Real retrainings of one network, cut into groups of seeds that play different architectures."""
    squared = losses.squared_px2[model][losses.trained[model].all(axis=1)]
    order = np.random.default_rng(0).permutation(len(squared))
    findings = []
    for seeds in (1, 2, 3):
        chunks = [squared[order[start : start + seeds]] for start in range(0, len(squared) - seeds + 1, seeds)]
        pairs = [*itertools.combinations(range(len(chunks)), 2)]
        different = sum(_called_different(losses, chunks[first], chunks[second]) for first, second in pairs)
        question = (
            f"{len(squared)} real retrainings of {losses.models[model]} as {len(chunks)} architectures, "
            f"{_seeds(seeds)} each: pairs called different"
        )
        findings.append(Finding(question, Share.of(different, len(pairs)), "for comparison", None))
    return findings


def _called_different(losses: RowLosses, first: np.ndarray, second: np.ndarray) -> bool:
    pair = replace(losses, models=("first", "second"), kinds=_networks("first", "second"), squared_px2=(first, second))
    return rank_losses(pair).pairs[0].better is not None


def _networks(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "network")


def _differs_for_people(losses: RowLosses) -> bool:
    found = spread(losses)
    error = float(np.sqrt(found.people[0, 1] + found.seed_people[0, 1]))
    return abs(float(found.difference_px[0, 1])) > stats.t.ppf(0.975, losses.group_count - 1) * error


def _mean_floor(population: Population, protocol: Protocol, runs: int) -> float:
    return float(np.mean([ranking.pairs[0].floor_px for _, ranking in rankings(population, protocol, runs, seed=7)]))


def _seeds(count: int) -> str:
    return f"{count} seed{'s' if count > 1 else ''}"


def simulate(population: Population, runs: int) -> list[Finding]:
    """All simulated questions."""
    findings = []
    for same, count, seeds in itertools.product((True, False), (2, 5, 12), (1, 2, 3)):
        findings += equal_architectures(population, Protocol(seeds, factors=(1.0,) * count, same=same), runs)
    findings += [planted_difference(population, seeds, max(runs // 2, 2)) for seeds in (1, 2, 3)]
    findings.append(_with_strong_folds(population, runs))
    return [*findings, *calibration(population, 3 * runs), *forecasts(population, max(runs // 4, 2))]


def _with_strong_folds(population: Population, runs: int) -> Finding:
    """What is lost if each fold's training part moved an architecture's loss by much more than real records show."""
    strong = replace(population, effects=replace(population.effects, fold=STRONG_FOLD_EFFECT))
    covers = equal_architectures(strong, Protocol(3), runs)[-1]
    question = f"with a fold effect of {100 * STRONG_FOLD_EFFECT:.0f} % of the loss, {covers.question}"
    return replace(covers, question=question, wanted="for comparison", met=None)


def from_records(outs: Sequence[Path]) -> tuple[Population, list[Finding]]:
    """Fit a population to the first folder, and compare the real retrainings of all."""
    losses = [row_losses(_complete(out)) for out in outs]
    findings = [
        finding
        for one in losses
        for model in range(len(one.models))
        if len(one.seeds(model)) >= MIN_RETRAININGS
        for finding in retrainings(one, model)
    ]
    return fitted_population(losses[0]), findings


def _complete(out: Path) -> Any:
    material = collect(RecordStore(out))
    return material.observations.only(material.ranking.order)


def main() -> None:
    """Print the figures, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, action="append", default=[], help="results to fit to; may be repeated")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    population, real = from_records(given.out) if given.out else (plausible_population(), [])
    findings = [*simulate(population, given.runs), *real]
    effects = ", ".join(f"{name} {value:.3f}" for name, value in asdict(population.effects).items())
    lines = [f"effects {population.origin}: {effects}"]
    for finding in findings:
        verdict = "" if finding.met is None else (" met" if finding.met else " MISSED")
        lines.append(f"{finding.question}: {finding.share} [{finding.wanted}]{verdict}")
    sys.stdout.write("\n".join(lines) + "\n")
    if given.json is not None:
        facts = {
            "origin": population.origin,
            "effects": asdict(population.effects),
            "expected_rmse_px": population.expected_rmse_px,
            "people": int(population.groups.max()) + 1,
            "rows": len(population.groups),
            "findings": [asdict(finding) for finding in findings],
        }
        write_text(given.json, json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
