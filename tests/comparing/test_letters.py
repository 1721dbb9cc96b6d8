"""The letter display by itself: exact for any pattern of verdicts, and short where verdicts follow the order."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.comparing.letters import compact_letters
from bench.comparing.pair_tests import SIGNIFICANCE, holm_over_pairs


def square(count: int, apart: list[bool]) -> np.ndarray:
    found = np.zeros((count, count), dtype=bool)
    found[np.triu_indices(count, k=1)] = apart
    return found | found.T


@given(st.integers(0, 9).flatmap(lambda count: st.tuples(
    st.just(count), st.lists(st.booleans(), min_size=count * (count - 1) // 2, max_size=count * (count - 1) // 2)
)))  # fmt: skip
@example((8, [digit == "1" for digit in "1000000000011000100100001000"]))
def test_two_models_share_a_letter_exactly_where_they_are_not_told_apart(drawn: tuple[int, list[bool]]) -> None:
    apart = square(*drawn)
    letters = compact_letters(apart)
    assert all(letters), "every model has one"
    for one, other in itertools.combinations(range(len(apart)), 2):
        assert bool({*letters[one]} & {*letters[other]}) != apart[one, other]
    used = sorted({letter for each in letters for letter in each})
    assert used == list(range(1, len(used) + 1))
    assert not letters or letters[0][0] == 1


def test_letters_of_verdicts_that_follow_the_order_are_stretches_of_it() -> None:
    places = np.array([1.0, 1.1, 1.25, 1.4, 2.0])
    letters = compact_letters(np.abs(places[:, None] - places) > 0.2)
    assert letters == ((1,), (1, 2), (2, 3), (3,), (4,))


def test_a_noisy_model_shares_a_letter_with_two_that_are_told_apart() -> None:
    assert compact_letters(square(3, [True, False, False])) == ((1,), (2,), (1, 2))


@pytest.mark.parametrize("p", [*itertools.permutations((0.02, 0.04, 0.08))])
def test_three_pairs_of_one_family_are_judged_as_one(p: tuple[float, ...]) -> None:
    """.02 is .06 among three pairs: nobody is told apart, whichever two are looked at, and all share one letter."""
    matrix = np.ones((3, 3))
    rows, columns = np.triu_indices(3, k=1)
    matrix[rows, columns] = matrix[columns, rows] = p
    adjusted = holm_over_pairs(matrix, np.zeros(3, dtype=bool))
    assert adjusted.min() == pytest.approx(0.06)
    assert compact_letters(adjusted <= SIGNIFICANCE) == ((1,), (1,), (1,))


def test_many_models_of_any_pattern_are_lettered_at_once() -> None:
    """The number of letters that a pattern needs may grow like a power; that of this display does not."""
    pattern = np.random.default_rng(0).random((150, 150)) < 0.5
    apart = np.triu(pattern, k=1)
    letters = compact_letters(apart | apart.T)
    assert max(map(max, letters)) <= 150 * 149 // 2


def test_a_letter_whose_pairs_all_share_others_is_dropped() -> None:
    """A ring of triangles around one: its pairs are begun first, and each is in a triangle of its own as well."""
    tied = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (0, 4), (2, 4), (1, 5), (2, 5)]
    apart = np.ones((6, 6), dtype=bool)
    np.fill_diagonal(apart, val=False)
    for one, other in tied:
        apart[one, other] = apart[other, one] = False
    assert max(letter for each in compact_letters(apart) for letter in each) == 3
