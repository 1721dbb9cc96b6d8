"""Small versions of benchmarks/comparison_simulation.py, whose full figures are committed beside it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.comparing.row_losses import RowLosses
from benchmarks.comparison_simulation import equal_architectures, planted_difference, retrainings
from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results
from benchmarks.findings import Finding
from benchmarks.simulated_answers import calibration, forecasts
from benchmarks.simulated_runs import Population, Protocol, fitted_population, plausible_population, simulated_run
from tests.conftest import PROJECT, bench_environment


@pytest.fixture(scope="module")
def population() -> Population:
    return plausible_population()


def by_question(findings: list[Finding], word: str) -> Finding:
    return next(finding for finding in findings if word in finding.question)


def test_equal_architectures_are_rarely_called_different_and_intervals_cover(population: Population) -> None:
    findings = equal_architectures(population, Protocol(seeds=3), runs=300)
    assert by_question(findings, "some called different").share.low <= 0.05
    assert 0.92 <= by_question(findings, "covers").share.share <= 0.99
    people_only = by_question(findings, "people only").share
    assert people_only.low > 0.05, "claim one must not stand in for claim two"


def test_picking_the_best_of_ten_equal_architectures_raises_no_false_alarms(population: Population) -> None:
    findings = equal_architectures(population, Protocol(seeds=3, factors=(1.0,) * 10), runs=200)
    assert findings[0].share.low <= 0.05


def test_different_architectures_of_equal_error_raise_no_false_alarms(population: Population) -> None:
    findings = equal_architectures(population, Protocol(seeds=1, factors=(1.0,) * 5, same=False), runs=200)
    assert findings[0].question.startswith("5 equal architectures, 1 seed")
    assert findings[0].share.low <= 0.05


def test_probabilities_of_choose_come_true(population: Population) -> None:
    findings = calibration(population, runs=400)
    assert len(findings) > 8
    assert all(finding.met for finding in findings), [finding for finding in findings if not finding.met]


def test_forecasts_of_the_floor_come_true(population: Population) -> None:
    findings = forecasts(population, runs=60)
    assert [finding.met for finding in findings] == [True] * 3


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_a_difference_of_one_floor_is_found_in_four_cases_out_of_five(population: Population, seeds: int) -> None:
    assert 0.72 <= planted_difference(population, seeds, runs=600).share.share <= 0.88


def test_effects_are_recovered_from_simulated_records(population: Population) -> None:
    known = population.effects
    losses = simulated_run(population, Protocol(seeds=8, same=False), np.random.default_rng(0))
    fitted = fitted_population(losses).effects
    assert fitted.row_cell == pytest.approx(known.row_cell, rel=0.1)
    assert fitted.person_cell == pytest.approx(known.person_cell, rel=0.15)
    assert fitted.cell == pytest.approx(known.cell, rel=0.5)
    assert fitted.row_architecture == pytest.approx(known.row_architecture, rel=0.3)


@pytest.mark.slow
def test_the_command_prints_and_writes_its_figures(tmp_path: Path) -> None:
    out, target = tmp_path / "results", tmp_path / "figures.json"
    models = [DrawnModel("small_net", 1.5), DrawnModel("large_net", 1.2), DrawnModel("ridge", 2.0, kind="gate")]
    draw_results(out, DrawnResults(models, seeds=20))
    command = [sys.executable, "-m", "benchmarks.comparison_simulation", "--out", str(out), "--runs", "20"]
    done = subprocess.run(
        [*command, "--json", str(target)],
        env=bench_environment(),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "20 real retrainings of small_net as 20 architectures, 1 seed each" in done.stdout
    figures = json.loads(target.read_text())
    assert figures["origin"] == "fitted to small_net, large_net"
    assert all(0 <= finding["share"]["share"] <= 1 for finding in figures["findings"])


def test_one_seed_cannot_be_fitted(population: Population) -> None:
    losses = simulated_run(population, Protocol(seeds=1), np.random.default_rng(0))
    with pytest.raises(ValueError, match="two seeds or more"):
        fitted_population(losses)


def test_retrainings_are_compared_in_disjoint_groups_of_seeds(population: Population) -> None:
    losses: RowLosses = simulated_run(population, Protocol(seeds=20), np.random.default_rng(0))
    findings = retrainings(losses, 0)
    assert [finding.share.runs for finding in findings] == [190, 45, 15]
    assert all(finding.share.low <= 0.05 for finding in findings)
    planted = replace(losses, squared_px2=(losses.squared_px2[0] * np.linspace(1, 3, 20)[:, None],))
    assert retrainings(planted, 0)[0].share.hits > 100
