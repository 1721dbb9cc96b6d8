"""Is the difference of two architectures real? Tests of all pairs, corrected for one another (Holm)."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.comparing.row_losses import Numbers
from bench.comparing.spread import Spread, critical

SIGNIFICANCE = 0.05
POWER = 0.80


@dataclass(frozen=True)
class PairTest:
    """Claim two about one pair: do these architectures differ, training randomness included?

    All that is said of a pair anywhere (letters, verdicts, choices, floors) comes from here.

    Attributes:
        a, b: the models.
        difference_px: RMSE of ``a`` minus RMSE of ``b``.
        standard_error_px: of that.
        degrees: degrees of freedom of the test.
        interval_px: 95 % for this pair alone; it holds zero exactly where ``p`` is above .05, but where ``p`` is 1
            since what both models have says the opposite of all that they have.
        p: of the ratio of the two, for this pair alone.
        p_holm: corrected for all pairs of its family (see :func:`holm_over_pairs`).
        better: the winner, where ``p_holm`` is at most .05.
        weak: one of the two has one seed.
        floor_px: the difference that would be found between them in four cases out of five: see :func:`floors_px`.

    Standard error, interval, floor and p are NaN, NaN, NaN and 1 where a run says nothing (one fold and one seed).
    """

    a: str
    b: str
    difference_px: float
    standard_error_px: float
    degrees: float
    interval_px: tuple[float, float]
    p: float
    p_holm: float
    better: str | None
    weak: bool
    floor_px: float

    @property
    def apart(self) -> bool:
        """Whether this run tells the two apart."""
        return self.better is not None


def p_values(found: Spread) -> Numbers:
    """Two-sided p of every ratio of errors (M, M); 1 where two models are equal or nothing is known.

    It is 1 as well where what both models have says the opposite of all that they have: neither is better then.
    """
    own = found.rmse_px[:, None] - found.rmse_px[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(found.log_ratio) / np.sqrt(found.log_variance), found.degrees)
    return np.where(np.isfinite(p) & (own * found.difference_px > 0), p, 1.0)


def holm(p: Numbers) -> Numbers:
    """Holm's (1979) step-down adjusted p values: (n,) -> (n,)."""
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def families(gate: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many pairs are corrected together with each (M, M): pairs of candidates, or pairs that hold a gate.

    All pairs count, not only those with the best: any model could have come out best, and picking it is part of the
    procedure. Gates answer another question (is a network worth having?), so they do not make it harder to tell
    networks apart.
    """
    models, candidates = len(gate), int((~gate).sum())
    alone = candidates * (candidates - 1) // 2
    with_gate = gate[:, None] | gate[None, :]
    return np.where(with_gate, models * (models - 1) // 2 - alone, alone)


def holm_over_pairs(p: Numbers, gate: NDArray[np.bool_]) -> Numbers:
    """Holm over all pairs (M, M), in two families: see :func:`families`."""
    adjusted = np.ones_like(p)
    first, second = np.triu_indices(len(p), k=1)
    with_gate = gate[first] | gate[second]
    for family in (with_gate, ~with_gate):
        rows, columns = first[family], second[family]
        adjusted[rows, columns] = adjusted[columns, rows] = holm(p[rows, columns])
    return adjusted


def floors_px(found: Spread, pairs: NDArray[np.int64]) -> Numbers:
    """How much worse the other has to be than the better of two, to be found in four cases out of five: (M, M).

    The test finds a ratio of errors: (t.975 + t.80) times its standard error on the logarithm, the first quantile at
    the level that Holm's first step asks of so many ``pairs``. So a difference above it is always told apart.
    """
    reach = critical(found.degrees, 1 - SIGNIFICANCE / 2 / np.maximum(pairs, 1)) + critical(found.degrees, POWER)
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = np.expm1(reach * np.sqrt(found.log_variance))
        return np.asarray(np.minimum(found.shared_px, found.shared_px.T) * ratio)


def intervals_px(found: Spread) -> Numbers:
    """95 % for the difference of each pair alone: (2, M, M), low and high.

    Symmetric, but for the end near zero where one of the two scatters so much that only the ratio is told: that end
    is the test's, so that an interval and its test never disagree.
    """
    difference, low_px = found.difference_px, np.minimum(found.shared_px, found.shared_px.T)
    reach = critical(found.degrees, 1 - SIGNIFICANCE / 2)
    with np.errstate(over="ignore", invalid="ignore"):
        widest = np.exp(reach * np.sqrt(found.log_variance))
        high_px = np.maximum(found.shared_px, found.shared_px.T)
        near = np.where(high_px > low_px * widest, high_px / widest - low_px, high_px - low_px * widest)
    straight = np.abs(difference) - reach * np.sqrt(found.variance)
    near = np.where((straight > 0) == (near > 0), straight, near)
    far = np.abs(difference) + reach * np.sqrt(found.variance)
    worse = difference > 0
    return np.array([np.where(worse, near, -far), np.where(worse, far, -near)])


def pair_tests(models: Sequence[str], found: Spread, p: Numbers, adjusted: Numbers, floors: Numbers) -> list[PairTest]:
    """The test of every pair, in the order of ``models``, from p, p after Holm's correction and floors (M, M)."""
    errors, (low, high) = np.sqrt(found.variance), intervals_px(found)
    difference_px = found.difference_px
    tests = []
    for pair in itertools.combinations(range(len(models)), 2):
        a, b = (models[position] for position in pair)
        difference = float(difference_px[pair])
        better = a if difference < 0 else b
        tests.append(
            PairTest(
                a=a,
                b=b,
                difference_px=difference,
                standard_error_px=float(errors[pair]),
                degrees=float(found.degrees[pair]),
                interval_px=(float(low[pair]), float(high[pair])),
                p=float(p[pair]),
                p_holm=float(adjusted[pair]),
                better=better if adjusted[pair] <= SIGNIFICANCE else None,
                weak=not (found.measured[pair[0]] and found.measured[pair[1]]),
                floor_px=float(floors[pair]),
            )
        )
    return tests
