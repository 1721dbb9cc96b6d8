import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from bench.comparing.pair_tests import families, holm, holm_over_pairs


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_agrees_with_statsmodels(p: list[float]) -> None:
    assert holm(np.array(p)) == pytest.approx(multipletests(p, method="holm")[1])


def test_the_correction_counts_all_pairs_that_could_have_held_the_best() -> None:
    """p = .02 is enough for two models and not for three: three pairs, of which the best was picked."""
    p, none = np.full((3, 3), 0.02), np.zeros(3, dtype=bool)
    assert holm_over_pairs(p[:2, :2], none[:2])[0, 1] == pytest.approx(0.02)
    assert holm_over_pairs(p, none)[0, 1] == pytest.approx(0.06)


def test_gates_have_a_family_of_their_own() -> None:
    p, gate = np.full((4, 4), 0.02), np.array([False, False, True, False])
    adjusted = holm_over_pairs(p, gate)
    assert adjusted[0, 1] == pytest.approx(0.06)
    assert adjusted[0, 2] == pytest.approx(0.06)
    assert families(gate).tolist()[0] == [3, 3, 3, 3]
