import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from bench.comparing.pair_tests import holm, tie_groups


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_agrees_with_statsmodels(p: list[float]) -> None:
    assert holm(np.array(p)) == pytest.approx(multipletests(p, method="holm")[1])


def test_groups_step_down_and_a_noisy_model_may_join_the_best() -> None:
    rmse_px = np.array([1.0, 1.1, 1.2, 1.3])
    p = np.full((4, 4), 1.0)
    for first, second in [(0, 1), (0, 3), (2, 3)]:
        p[first, second] = p[second, first] = 1e-6
    found = tie_groups(rmse_px, p, np.zeros(4, dtype=bool))
    assert found.tolist() == [1, 2, 1, 2]


def test_the_correction_counts_all_pairs_that_could_have_held_the_best() -> None:
    """p = .02 is enough for two models and not for three: three pairs, of which the best was picked."""
    p = np.full((3, 3), 0.02)
    none = np.zeros(3, dtype=bool)
    assert tie_groups(np.array([1.0, 2.0]), p[:2, :2], none[:2]).tolist() == [1, 2]
    assert tie_groups(np.array([1.0, 2.0, 3.0]), p, none).tolist() == [1, 1, 1]
