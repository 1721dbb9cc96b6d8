"""How often one test of a race calls a network worse that is as good, after a first fold of few people.

    python -m benchmarks.race_levels [--runs 2000]

Twelve equal networks in simulated runs, with the noise of trainings, people and rows that was fitted to real records
(``comparison_simulation.json``); every ordered pair of a run is one test. Trainings are as uneven as they were fitted;
or as races assume, by the ratio of the variance of a difference to its part by people; or that ratio is drawn anew in
each run, as uncertain as races take it to be; or trainings are three times as uneven as they were fitted.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from bench.comparing.moderated import PRIOR_DEGREES, PRIOR_RATIO, moderated
from bench.comparing.race import LEVEL
from bench.comparing.row_losses import RowLosses
from benchmarks.race_replay import FOLDS, fitted_noise
from benchmarks.simulated_runs import Population, Protocol, plausible_population, simulated_run

PEOPLE = (8, 12, 20, 36)
"""In the first fold; the noise was fitted with 36."""
NETWORKS = 12
LEVELS = (0.05, 0.01, 0.001, LEVEL / ((FOLDS - 1) * (NETWORKS - 1)))
"""The last is what each test of a race of twelve over five folds has."""


def of_ratio(ratio: float, people: int) -> float:
    """What makes trainings so uneven, where those that were fitted have a ratio of about 2 with 36 people in a fold."""
    return float(np.sqrt(max(ratio - 1, 0.0) * PEOPLE[-1] / people))


def drawn_ratio(generator: Generator) -> float:
    """Moderated variances take the true one to be distributed as this (Smyth 2004)."""
    return float(PRIOR_RATIO * PRIOR_DEGREES / generator.chisquare(PRIOR_DEGREES))


UNEVENNESS: Mapping[str, Callable[[Generator, int], float]] = {
    "as fitted": lambda _, __: 1.0,
    "as races assume": lambda _, people: of_ratio(PRIOR_RATIO, people),
    "drawn": lambda generator, people: of_ratio(drawn_ratio(generator), people),
    "three times as fitted": lambda _, __: 3.0,
}
"""By how much the standard deviation of whole trainings is multiplied in a run with so many people in a fold."""


def population(people: int, unevenness: float) -> Population:
    """Two folds of so many people, with a dozen rows each."""
    fitted = fitted_noise().effects
    effects = replace(fitted, cell=fitted.cell * unevenness)
    return replace(plausible_population(rows=24 * people, people=2 * people), effects=effects)


def first_fold(losses: RowLosses) -> RowLosses:
    """The rows of the first fold alone."""
    rows = losses.folds == 0
    return replace(
        losses,
        squared_px2=tuple(found[:, rows] for found in losses.squared_px2),
        counts=losses.counts[rows],
        groups=np.unique(losses.groups[rows], return_inverse=True)[1],
        folds=losses.folds[rows],
    )


def shares(people: int, unevenness: Callable[[Generator, int], float], runs: int) -> tuple[list[float], list[float]]:
    """Of the tests, how many call a network worse at each level; and the standard error of that between runs."""
    generator, pairs = np.random.default_rng(0), NETWORKS * (NETWORKS - 1)
    protocol = Protocol(1, 2, (1.0,) * NETWORKS, same=False)
    found = np.empty((runs, len(LEVELS)))
    for run in range(runs):
        losses = simulated_run(population(people, unevenness(generator, people)), protocol, generator)
        p = moderated(first_fold(losses), FOLDS).p_worse
        found[run] = [(p <= level).sum() / pairs for level in LEVELS]
    return found.mean(axis=0).tolist(), (found.std(axis=0, ddof=1) / np.sqrt(runs)).tolist()


def main() -> None:
    """Print a line for each number of people."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    given = parser.parse_args()
    sys.stdout.write(f"levels: {', '.join(f'{100 * level:.2g} %' for level in LEVELS)}\n")
    for name, unevenness in UNEVENNESS.items():
        for people in PEOPLE:
            found = shares(people, unevenness, given.runs)
            told = ", ".join(f"{100 * share:.2g} % (+-{200 * error:.1g})" for share, error in zip(*found, strict=True))
            sys.stdout.write(f"{name}, {people} people: {told}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
