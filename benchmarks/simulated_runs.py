"""Simulated runs: losses of rows with the person, fold and seed effects of real records.

A population is a list of people with their rows' mean losses, and the size of each random effect on the logarithm of a
loss. A run draws people with replacement, lays folds, trains "architectures" and gives the row losses that a store
would hold. Because effects multiply and average to one, the expected error of the procedure is known exactly.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.comparing.row_losses import RowLosses
from bench.comparing.spread import spread
from bench.faces.folds import assign_group_folds

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]
Generator = np.random.Generator


@dataclass(frozen=True)
class Effects:
    """Standard deviations of the natural logarithm of a loss (a relative error of the loss, where small).

    Attributes:
        cell: shared by all rows of one training (fold and seed).
        person_cell, row_cell: of one training on one person, on one row.
        fold: of one architecture on one fold's training part, whatever the seed.
        person_architecture, row_architecture: what one architecture finds harder than another.
    """

    cell: float
    person_cell: float
    row_cell: float
    fold: float
    person_architecture: float
    row_architecture: float


@dataclass(frozen=True)
class Population:
    """Whom runs draw from.

    Attributes:
        losses_px2: float64 (N,): expected squared error per coordinate of each known row.
        groups: int64 (N,): its person, numbered from 0 without gaps.
        effects: how trainings scatter around the expectation.
        origin: where it was taken from, for the record.
    """

    losses_px2: Numbers
    groups: Whole
    effects: Effects
    origin: str

    @property
    def expected_rmse_px(self) -> float:
        """The training procedure's expected error: root of the expected squared error over people."""
        return float(np.sqrt(self.losses_px2.mean()))


@dataclass(frozen=True)
class Protocol:
    """How a simulated run is laid out; ``factors`` multiply the expected loss of each architecture.

    ``cell_factors`` multiply how much whole trainings of each architecture vary; as fitted where there are none.
    ``same`` means one architecture under several names: nothing but the training seed differs between them.
    """

    seeds: int
    folds: int = 5
    factors: tuple[float, ...] = (1.0, 1.0)
    same: bool = True
    cell_factors: tuple[float, ...] = ()


def simulated_run(population: Population, protocol: Protocol, generator: Generator) -> RowLosses:
    """Draw people, lay folds, train every architecture."""
    losses, groups = _draw_people(population, generator)
    folds = assign_group_folds(groups, protocol.folds, generator, "simulation")
    effects = population.effects
    layout = (protocol.seeds, groups, folds)
    count = 1 if protocol.same else len(protocol.factors)
    own = [_architecture(effects, groups, folds, protocol.folds, generator) for _ in range(count)]
    squared = tuple(
        losses * factor * own[model % count] * _training(noise, layout, protocol.folds, generator)
        for model, (factor, noise) in enumerate(zip(protocol.factors, _noises(effects, protocol), strict=True))
    )
    models = tuple(f"net_{model:03d}" for model in range(len(protocol.factors)))
    kinds = dict.fromkeys(models, "network")
    return RowLosses(models, kinds, tuple(30.0 * found for found in squared), np.full(len(groups), 30.0), groups, folds)


def _noises(effects: Effects, protocol: Protocol) -> list[Effects]:
    factors = protocol.cell_factors or (1.0,) * len(protocol.factors)
    return [replace(effects, cell=effects.cell * factor) for factor in factors]


def _draw_people(population: Population, generator: Generator) -> tuple[Numbers, Whole]:
    order = np.argsort(population.groups, kind="stable")
    sizes = np.bincount(population.groups)
    starts = np.cumsum(sizes) - sizes
    chosen = generator.integers(len(sizes), size=len(sizes))
    groups = np.repeat(np.arange(len(chosen)), sizes[chosen])
    within = np.arange(len(groups)) - np.repeat(np.cumsum(sizes[chosen]) - sizes[chosen], sizes[chosen])
    return population.losses_px2[order[starts[chosen][groups] + within]], groups


def _architecture(effects: Effects, groups: Whole, folds: Whole, fold_count: int, generator: Generator) -> Numbers:
    return np.asarray(
        _multipliers(effects.fold, fold_count, generator)[folds]
        * _multipliers(effects.person_architecture, int(groups.max()) + 1, generator)[groups]
        * _multipliers(effects.row_architecture, len(groups), generator)
    )


def _training(effects: Effects, layout: tuple[int, Whole, Whole], fold_count: int, generator: Generator) -> Numbers:
    seeds, groups, folds = layout
    return np.asarray(
        _multipliers(effects.cell, (seeds, fold_count), generator)[:, folds]
        * _multipliers(effects.person_cell, (seeds, int(groups.max()) + 1), generator)[:, groups]
        * _multipliers(effects.row_cell, (seeds, len(groups)), generator)
    )


def _multipliers(deviation: float, shape: int | tuple[int, ...], generator: Generator) -> Numbers:
    """Log-normal draws with mean one."""
    return np.asarray(np.exp(deviation * generator.standard_normal(shape) - deviation**2 / 2))


def plausible_population(rows: int = 2140, people: int = 181) -> Population:
    """Where there are no records yet: skewed losses, half explained by the person, and a net that trains unevenly."""
    generator = np.random.default_rng(2026)
    groups = np.concatenate([np.arange(people), generator.integers(people, size=rows - people)])
    person = _multipliers(0.5, people, generator)[groups]
    effects = Effects(0.06, 0.2, 0.25, 0.02, 0.2, 0.25)
    return Population(4.0 * person * _multipliers(0.5, rows, generator), groups, effects, "assumed")


def fitted_population(losses: RowLosses) -> Population:
    """Person, row, fold and seed effects of the networks of real records; the best of them lends its row losses.

    What rows and people bring is fitted on the logarithm of the loss; what a whole training or fold brings is fitted on
    the mean squared error of cells, which is what comparisons rest on.

    Raises:
        ValueError: no network with two seeds or more, all of them whole.
    """
    networks = [
        place
        for place, name in enumerate(losses.models)
        if losses.kinds[name] == "network" and len(losses.seeds(place)) > 1 and losses.trained[place].all()
    ]
    if not networks:
        raise ValueError("needs records of a network with two seeds or more: run `bench run --seeds 3` first")
    chosen = losses.of(networks)
    fits = [_training_effects(chosen, model) for model in range(len(networks))]
    cell, person_cell, row_cell = (float(np.sqrt(np.mean(np.square(column)))) for column in zip(*fits, strict=True))
    person, row = _architecture_effects(chosen, person_cell, row_cell)
    best = min(range(len(networks)), key=lambda place: chosen.rmse_px[place])
    expected = chosen.row_means_px2[best] / chosen.counts
    effects = Effects(cell, person_cell, row_cell, _fold_effect(losses), person, row)
    return Population(expected, chosen.groups, effects, f"fitted to {', '.join(chosen.models)}")


def _training_effects(losses: RowLosses, model: int) -> tuple[float, float, float]:
    logs = np.log(losses.squared_px2[model] / losses.counts + 1e-12)
    seeds = len(logs)
    scatter = (logs - logs.mean(axis=0)) * np.sqrt(seeds / (seeds - 1))
    # What a whole training shares is fitted below: leave it out of what people and rows bring.
    scatter -= _cell_means(losses, scatter)
    person, row = _nested(losses, scatter)
    parts = spread(losses.of([model])).contrast(0, 0)
    cell = 2 / losses.rmse_px[model] * np.sqrt(parts.seed_cell * seeds * losses.fold_count)
    return cell, person, row


def _fold_effect(losses: RowLosses) -> float:
    """What one architecture makes of one fold's training part, relative to its loss; gates help to find it.

    The variance between folds of the difference of two models, less what people and seeds explain, without clipping
    before the mean over pairs: four degrees of freedom a pair would otherwise turn chance into an effect.
    """
    found = spread(losses)
    excess = found.between_folds - found.people - found.seed_people - found.seed_cell
    first, second = np.triu_indices(len(losses.models), k=1)
    # A relative change e of a loss moves its root by e/2 of itself.
    scale = (np.square(found.rmse_px[first]) + np.square(found.rmse_px[second])) / 4
    mean = float(np.mean(excess[first, second] / scale)) * losses.fold_count if first.size else 0.0
    return float(np.sqrt(max(mean, 0.0)))


def _architecture_effects(losses: RowLosses, person_cell: float, row_cell: float) -> tuple[float, float]:
    """Half the variance of the difference of two networks' rows, less what seeds explain; averaged over pairs."""
    means = [np.log(found / losses.counts + 1e-12).mean(axis=0) for found in losses.squared_px2]
    seeds = min(len(losses.seeds(model)) for model in range(len(means)))
    people, rows = [], []
    for first in range(len(means)):
        for second in range(first):
            difference = (means[first] - means[second])[None] / np.sqrt(2)
            person, row = _nested(losses, difference - _cell_means(losses, difference))
            people.append(max(person**2 - person_cell**2 / seeds, 0.0))
            rows.append(max(row**2 - row_cell**2 / seeds, 0.0))
    if not people:
        return person_cell, row_cell
    return float(np.sqrt(np.mean(people))), float(np.sqrt(np.mean(rows)))


def _cell_means(losses: RowLosses, values: Numbers) -> Numbers:
    sizes = np.bincount(losses.folds)
    sums = np.stack([np.bincount(losses.folds, weights=line, minlength=len(sizes)) for line in values])
    return np.asarray((sums / sizes)[:, losses.folds])


def _nested(losses: RowLosses, values: Numbers) -> tuple[float, float]:
    """Standard deviations between people and between rows of one person: (s, n) values of mean zero."""
    sizes = np.bincount(losses.groups)
    sums = losses.group_sums(values)
    products = np.square(sums).sum() - np.square(values).sum()
    pairs = float((sizes * (sizes - 1.0)).sum()) * len(values)
    person = products / pairs if pairs else 0.0
    total = float(np.square(values).mean())
    person = float(np.clip(person, 0.0, total))
    return float(np.sqrt(person)), float(np.sqrt(total - person))
