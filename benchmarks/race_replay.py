"""What races cost, and how often they drop the best network: replayed on recorded cells, and simulated.

    python -m benchmarks.race_replay [--out results] [--runs 1000]

``--out`` names records of a run in which every network has all folds: its races are run again with people resampled in
each fold and folds in another order. The true best is the network of lowest error in the records. Without it, runs are
drawn as in ``benchmarks.simulated_runs``, with the noise of trainings, people and rows that was fitted to real records
(``comparison_simulation.json``), in fields of a dozen whose expected errors are known.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.random import Generator
from scipy import stats

from bench.comparing.collecting import collect
from bench.comparing.observations import Observations
from bench.comparing.race import LEVEL, Layout, Place, Runner, race
from bench.comparing.row_losses import RowLosses
from bench.records.store import RecordStore
from benchmarks.simulated_runs import Effects, Population, Protocol, plausible_population, simulated_run

FIELDS: Mapping[str, tuple[float, ...]] = {
    "a dozen equal networks": (1.0,) * 12,
    "a dozen, 3 % apart": tuple(1.03**place for place in range(12)),
    "a dozen, 10 % apart": tuple(1.1**place for place in range(12)),
    "two equal, ten 30 % worse": (1.0, 1.0, *((1.3,) * 10)),
    "one best, eleven 10 % worse": (1.0, *((1.1,) * 11)),
}
"""Expected errors over the best one's."""
UNSTEADY = ("a dozen equal networks, half of which train three times as unevenly", (1.0,) * 6 + (3.0,) * 6)
FOLDS = 5


def report(
    name: str, draw: Callable[[Generator], Observations], best: Sequence[str], seconds: Mapping[str, float], runs: int
) -> None:
    """Race ``runs`` times; print how often the best one left, and the share of the cost.

    Where several are equally good, the last of them stands for the best: one that was named beforehand.
    """
    generator, dropped, any_of_them, shares, stayed = np.random.default_rng(0), 0, 0, [], []
    for _ in range(runs):
        observations = draw(generator)
        places: list[Place] = [(0, fold) for fold in range(FOLDS)]
        ended = race(observations, {model: Runner(places) for model in seconds}, Layout(FOLDS, 1))
        looks = dict.fromkeys(seconds, FOLDS) | {gone.model: gone.looks for gone in ended.departures}
        dropped += best[-1] not in ended.still_in
        any_of_them += not {*best} <= {*ended.still_in}
        shares.append(sum(looks[model] * seconds[model] for model in seconds) / FOLDS / sum(seconds.values()))
        stayed.append(len(ended.still_in))
    exact = stats.binomtest(int(dropped), runs).proportion_ci(method="exact")
    several = f", one of {len(best)} equally good ones in {100 * any_of_them / runs:.1f} %" if len(best) > 1 else ""
    sys.stdout.write(
        f"{name}: the best dropped in {100 * dropped / runs:.1f} % ({100 * exact.low:.2f} to {100 * exact.high:.2f})"
        f"{several}; cost {100 * np.mean(shares):.0f} % ({100 * np.quantile(shares, 0.05):.0f} to "
        f"{100 * np.quantile(shares, 0.95):.0f}) of all cells, {np.mean(stayed):.1f} stay to the end\n"
    )


def simulated(
    population: Population, factors: Sequence[float], cells: tuple[float, ...] = ()
) -> Callable[[Generator], Observations]:
    """Draws runs of networks whose expected RMSE is so many times the best one's."""
    protocol = Protocol(1, FOLDS, tuple(factor**2 for factor in factors), same=False, cell_factors=cells)
    return lambda generator: observed(simulated_run(population, protocol, generator))


def observed(losses: RowLosses) -> Observations:
    """Losses as predictions of one point that is missed by as much."""
    rows = len(losses.counts)
    missed = [np.sqrt(squared / losses.counts * 2) for squared in losses.squared_px2]
    predictions = {
        model: np.stack([found, np.zeros_like(found)], axis=-1)[:, :, None].astype(np.float32)
        for model, found in zip(losses.models, missed, strict=True)
    }
    truth = np.zeros((rows, 1, 2), dtype=np.float32)
    return Observations(truth, losses.groups, losses.folds, predictions, losses.kinds)


def resampled(observations: Observations, generator: Generator) -> Observations:
    """Other people of the same folds, drawn with replacement, and the folds in another order."""
    order = generator.permutation(FOLDS)
    rows, groups, folds, number = [], [], [], 0
    for fold in range(FOLDS):
        people = np.unique(observations.groups[observations.fold_of_row == fold])
        for person in generator.choice(people, size=len(people)):
            found = np.flatnonzero(observations.groups == person)
            rows.append(found)
            groups.append(np.full(len(found), number))
            folds.append(np.full(len(found), order[fold]))
            number += 1
    chosen = np.concatenate(rows)
    return replace(
        observations,
        truth=observations.truth[chosen],
        groups=np.concatenate(groups),
        fold_of_row=np.concatenate(folds),
        predictions={model: found[:1, chosen] for model, found in observations.predictions.items()},
        seeds={},
    )


def replay(out: Path, runs: int) -> None:
    """Races on records."""
    collected = collect(RecordStore(out))
    observations, ranking = collected.ranked, collected.ranking
    networks = [model for model in ranking.order if observations.kinds[model] == "network"]
    seconds = {
        model: sum(cell.train_seconds or 0.0 for cell in collected.selection.entries[model].cells if cell.seed == 0)
        for model in networks
    }
    observations = observations.only(networks)
    report(str(out), lambda generator: resampled(observations, generator), networks[:1], seconds, runs)


def fitted_noise() -> Population:
    """People and rows as assumed there, trainings as noisy as real ones were."""
    effects = json.loads(Path(__file__).with_name("comparison_simulation.json").read_text())["effects"]
    return replace(plausible_population(), effects=Effects(**effects))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, action="append", default=[], help="results to replay; may be repeated")
    parser.add_argument("--runs", type=int, default=1000)
    given = parser.parse_args()
    sys.stdout.write(f"a race may drop the best network in {100 * LEVEL:g} %\n")
    for out in given.out:
        replay(out, given.runs)
    if not given.out:
        fields = [(name, factors, ()) for name, factors in FIELDS.items()]
        for name, factors, cells in [*fields, (UNSTEADY[0], (1.0,) * 12, UNSTEADY[1])]:
            networks = [f"net_{place:03d}" for place in range(len(factors))]
            best = [model for model, factor in zip(networks, factors, strict=True) if factor == min(factors)]
            drawn = simulated(fitted_noise(), factors, cells)
            report(name, drawn, best, dict.fromkeys(networks, 1.0), given.runs)


if __name__ == "__main__":
    main()
