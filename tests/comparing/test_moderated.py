"""One test of a race keeps its level where few people were scored: neither of its two estimates is taken as known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from bench.comparing.moderated import PRIOR_DEGREES, moderated
from bench.comparing.row_losses import RowLosses
from tests.comparing.losses import Layout, draw_losses

FOLDS, LEVELS = 5, (0.05, 0.01, 0.001, 0.0002)


def first_fold(people: int) -> RowLosses:
    """Two networks after their first fold, in which so many people were scored."""
    return draw_losses([1.0, 1.0], Layout(people=people, folds=1, seeds=1))


def size(critical: NDArray[np.float64], degrees: float, people_degrees: float) -> NDArray[np.float64]:
    """P(Z / sqrt(U V) > critical) for Z normal, U and V chi-squared over their degrees of freedom, all independent."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    low, high = np.log(stats.chi2.ppf([1e-14, 1 - 1e-12], people_degrees) / people_degrees)
    log_v = low + (high - low) * (nodes + 1) / 2
    v = np.exp(log_v)
    density = stats.chi2.pdf(people_degrees * v, people_degrees) * people_degrees * v * (high - low) / 2
    return np.asarray(stats.t.sf(critical[:, None] * np.sqrt(v), degrees) @ (weights * density))


@pytest.mark.parametrize("people", [4, 8, 12, 20, 36])
def test_a_test_after_one_fold_keeps_its_level_however_few_people_that_fold_has(people: int) -> None:
    levels = np.array(LEVELS)
    critical = stats.t.isf(levels, moderated(first_fold(people), FOLDS).degrees)
    found = size(critical, PRIOR_DEGREES, people - 1)
    assert (found <= levels).all(), found / levels
    assert found[0] > 0.8 * levels[0], "and is not blunt where nothing asks for that"


def test_many_people_leave_what_is_known_of_the_ratio() -> None:
    assert moderated(first_fold(400), FOLDS).degrees == pytest.approx(PRIOR_DEGREES, rel=0.02)
