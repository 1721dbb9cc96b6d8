"""Races decide by records alone, keep the best, drop the far worse early, and say why."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.comparing.observations import Observations
from bench.comparing.race import Layout, Place, Runner, Standing, race
from tests.comparing.losses import draw_observations

FOLDS = Layout(folds=5, seeds=1)
ALL: tuple[Place, ...] = FOLDS.places


def raced(observations: Observations, done: Mapping[str, int] | None = None, layout: Layout = FOLDS) -> Standing:
    """A race in which each network has its first so many looks, all unless told."""
    runners = {
        model: Runner(layout.places[: (done or {}).get(model, len(layout.places))])
        for model in observations.predictions
    }
    return race(observations, runners, layout)


def test_a_far_worse_network_leaves_after_one_fold_and_the_reason_is_a_difference() -> None:
    standing = raced(draw_observations([1.0, 1.01, 4.0], seeds=1))
    (left,) = standing.departures
    assert (left.model, left.looks, left.reason) == ("net_2", 1, "worse")
    assert left.behind in ("net_0", "net_1")
    assert left.interval_px is not None
    assert left.difference_px is not None
    assert left.interval_px[0] < left.difference_px < left.interval_px[1]
    assert left.difference_px == pytest.approx(3.0, abs=0.3)
    assert {*standing.still_in} == {"net_0", "net_1"}
    assert standing.next is None


def test_equal_networks_all_stay() -> None:
    standing = raced(draw_observations([1.0] * 6, seeds=1))
    assert len(standing.still_in) == 6
    assert standing.departures == ()


def test_nobody_leaves_after_the_last_look_where_the_ranking_has_tests_of_its_own() -> None:
    assert raced(draw_observations([1.0, 9.0], seeds=1), layout=Layout(folds=1, seeds=1)).departures == ()


def test_a_look_waits_for_every_network_that_is_in() -> None:
    observations = draw_observations([1.0, 1.0, 4.0], seeds=1)
    standing = raced(observations, {"net_2": 0})
    assert (standing.looks, standing.next, standing.still_in) == (0, (0, 0), ("net_0", "net_1", "net_2"))
    standing = raced(observations, {"net_0": 2, "net_1": 1, "net_2": 1})
    assert (standing.looks, standing.next) == (1, (0, 1))
    assert "net_2" not in standing.still_in


@settings(deadline=None)
@given(st.integers(0, 30), st.lists(st.integers(0, 5), min_size=4, max_size=4))
def test_what_was_recorded_since_changes_no_earlier_decision(seed: int, more: list[int]) -> None:
    """So that a race that was killed, or finished without --race, tells the same of itself."""
    observations = draw_observations([1.0, 1.05, 1.3, 2.5], seeds=1, seed=seed)
    whole = raced(observations)
    left = {departure.model: departure for departure in whole.departures}
    done = {
        model: max(left[model].looks if model in left else 5, count)
        for model, count in zip(observations.predictions, more, strict=True)
    }
    assert raced(observations, done) == whole


def test_a_network_that_failed_leaves_and_is_nobodys_rival() -> None:
    observations = draw_observations([1.0, 1.1], seeds=1)
    runners = {"net_0": Runner(ALL[:1], failed=ALL[1:2]), "net_1": Runner(ALL)}
    standing = race(observations, runners, FOLDS)
    assert [(left.model, left.looks, left.reason) for left in standing.departures] == [("net_0", 1, "failed")]
    assert standing.still_in == ("net_1",)


def test_what_is_to_be_tried_again_is_waited_for() -> None:
    observations = draw_observations([1.0, 1.1], seeds=1)
    runners = {"net_0": Runner(ALL[:1], failed=ALL[1:], pending=ALL[1:]), "net_1": Runner(ALL)}
    assert race(observations, runners, FOLDS).next == (0, 1)


def test_a_network_without_time_leaves_where_its_time_ended() -> None:
    observations = draw_observations([1.0, 1.0], seeds=1)
    runners = {"net_0": Runner(ALL), "net_1": Runner(ALL[:2], unpaid_after=2)}
    (left,) = race(observations, runners, FOLDS).departures
    assert (left.model, left.looks, left.reason) == ("net_1", 2, "unpaid")


def test_one_group_alone_proves_nothing() -> None:
    observations = draw_observations([1.0, 9.0], seeds=1)
    one = replace(observations, groups=np.zeros_like(observations.groups))
    assert raced(one).departures == ()


def test_seeds_are_further_looks() -> None:
    layout = Layout(folds=5, seeds=2)
    observations = draw_observations([1.0, 1.02, 5.0], seeds=2)
    standing = raced(observations, layout=layout)
    assert [left.model for left in standing.departures] == ["net_2"]
    assert standing.looks == 10
    halfway = raced(observations, {"net_0": 7, "net_1": 7, "net_2": 1}, layout)
    assert (halfway.looks, halfway.next) == (7, (1, 2))


def test_the_best_is_dropped_no_oftener_than_said() -> None:
    """Six networks that are equal but for chance: whichever is called best, at most 1 % of races drop it."""
    dropped = sum(
        "net_0" not in raced(draw_observations([1.0] * 6, seeds=1, seed=seed)).still_in for seed in range(200)
    )
    assert dropped <= 6  # more is met with a probability below 0.01 where the true one is 1 %
