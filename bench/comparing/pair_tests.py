"""Is the difference of two architectures real? Tests of all pairs, Holm's correction, step-down tie groups."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.comparing.row_losses import Numbers
from bench.comparing.spread import Spread, critical

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class PairTest:
    """Claim two about one pair: do these architectures differ, training randomness included?

    ``difference_px`` is RMSE of ``a`` minus RMSE of ``b``; ``interval_px`` holds 95 % for this pair alone; ``p_holm``
    is corrected for all pairs of its family (see :func:`holm_over_pairs`); ``better`` names the winner where ``p_holm``
    is at most .05. Standard error, interval and p are NaN, NaN and 1 where a run says nothing (one fold and one seed).
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


def p_values(found: Spread) -> Numbers:
    """Two-sided p of every difference (M, M); 1 where two models are equal or nothing is known.

    It is 1 as well where what both models have says the opposite of all that they have: neither is better then.
    """
    own = found.rmse_px[:, None] - found.rmse_px[None, :]
    error = np.sqrt(found.variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(found.difference_px) / error, found.degrees)
    return np.where(np.isfinite(p) & (own * found.difference_px > 0), p, 1.0)


def holm(p: Numbers) -> Numbers:
    """Holm's (1979) step-down adjusted p values: (n,) -> (n,)."""
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def holm_over_pairs(p: Numbers, gate: NDArray[np.bool_]) -> Numbers:
    """Holm over all pairs (M, M), in two families: pairs of candidates, and pairs that hold a gate.

    All pairs count, not only those with the best: any model could have come out best, and picking it is part of the
    procedure. Gates answer another question (is a network worth having?), so they do not make it harder to tell
    networks apart.
    """
    adjusted = np.ones_like(p)
    first, second = np.triu_indices(len(p), k=1)
    with_gate = gate[first] | gate[second]
    for family in (with_gate, ~with_gate):
        rows, columns = first[family], second[family]
        adjusted[rows, columns] = adjusted[columns, rows] = holm(p[rows, columns])
    return adjusted


def tie_groups(rmse_px: Numbers, p: Numbers, gate: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Step-down groups from 1, int64 (M,).

    Group 1 is all models that are not worse than the best after Holm's correction over the pairs of what is left;
    they are taken away, and so on. A noisy model may share group 1 with the best although a steadier model of lower
    error does not.
    """
    group = np.zeros(len(p), dtype=np.int64)
    left = np.arange(len(p))
    number = 0
    while left.size:
        number += 1
        adjusted = holm_over_pairs(p[np.ix_(left, left)], gate[left])
        best = int(np.argmin(rmse_px[left]))
        tied = adjusted[best] > SIGNIFICANCE
        tied[best] = True
        group[left[tied]] = number
        left = left[~tied]
    return group


def pair_tests(models: Sequence[str], found: Spread, p: Numbers, adjusted: Numbers) -> tuple[PairTest, ...]:
    """The test of every pair, in the order of ``models``, from p and p after Holm's correction (M, M)."""
    errors = np.sqrt(found.variance)
    reach = critical(found.degrees, 1 - SIGNIFICANCE / 2) * errors
    tests = []
    for pair in itertools.combinations(range(len(models)), 2):
        a, b = (models[position] for position in pair)
        difference = float(found.difference_px[pair])
        better = a if difference < 0 else b
        tests.append(
            PairTest(
                a=a,
                b=b,
                difference_px=difference,
                standard_error_px=float(errors[pair]),
                degrees=float(found.degrees[pair]),
                interval_px=(difference - float(reach[pair]), difference + float(reach[pair])),
                p=float(p[pair]),
                p_holm=float(adjusted[pair]),
                better=better if adjusted[pair] <= SIGNIFICANCE else None,
                weak=not (found.measured[pair[0]] and found.measured[pair[1]]),
            )
        )
    return tuple(tests)
