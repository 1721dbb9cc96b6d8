import numpy as np
import pytest

from bench.comparing.floor import Forecast, ResolutionFloor
from bench.comparing.ranking import Ranking, rank_losses
from bench.comparing.row_losses import RowLosses
from tests.comparing.losses import Layout, draw_losses


def floor_of(losses: RowLosses) -> ResolutionFloor:
    floor = rank_losses(losses).floor
    assert floor is not None
    return floor


def forecasts(losses: RowLosses) -> dict[str, Forecast]:
    return {way.means: way for way in floor_of(losses).forecasts or ()}


def test_with_restless_training_seeds_lower_the_floor_and_people_hardly() -> None:
    losses = draw_losses([2.0, 2.0], noise=0.2)
    floor, ways = floor_of(losses), forecasts(losses)
    assert ways["seeds"].floor_px < 0.85 * floor.difference_px
    assert ways["people"].floor_px > 0.9 * floor.difference_px
    assert (ways["seeds"].before, ways["seeds"].after) == (3, 6)
    assert ways["seeds"].more_training == pytest.approx(1)


def test_more_folds_cost_new_trainings_on_larger_parts() -> None:
    # Ten trainings on 9/10 of the rows instead of five on 4/5: 9 against 4 parts.
    assert forecasts(draw_losses([2.0, 2.0]))["folds"].more_training == pytest.approx(9 / 4)


def test_one_seed_forecasts_nothing() -> None:
    floor = floor_of(draw_losses([2.0, 2.0], Layout(seeds=1)))
    assert floor.forecasts is None and floor.difference_px > 0


def test_forecasts_hold_what_twice_the_seeds_then_print() -> None:
    """Drawn with six seeds, forecast from the first three of them."""
    within = 0
    for draw in range(40):
        after = draw_losses([2.0, 2.0, 2.1], Layout(seeds=6), noise=0.1, seed=draw)
        before = RowLosses(
            after.models, after.kinds, tuple(found[:3] for found in after.squared_px2), after.counts, after.groups,
            after.folds,
        )  # fmt: skip
        low, high = forecasts(before)["seeds"].interval_px
        within += low <= floor_of(after).difference_px <= high
    assert within >= 34


def test_more_models_raise_the_floor() -> None:
    two, six = (floor_of(draw_losses([2.0] * count)) for count in (2, 6))
    assert six.difference_px > two.difference_px
    assert (two.pairs, six.pairs) == (1, 15)


def test_one_network_has_nothing_to_be_told_from() -> None:
    assert rank_losses(draw_losses([2.0])).floor is None


def test_a_difference_above_the_floor_of_its_pair_is_always_told_apart() -> None:
    rankings: list[Ranking] = [
        rank_losses(draw_losses(means, layout, noise, seed))
        for seed, means in enumerate(([2.0, 2.05, 2.2, 3.0], [2.0, 2.02, 2.1], [1.5, 1.6, 40.0]))
        for layout in (Layout(seeds=1), Layout())
        for noise in (0.02, 0.5)
    ]
    pairs = [pair for ranking in rankings for pair in ranking.pairs]
    assert any(abs(pair.difference_px) > pair.floor_px for pair in pairs)
    assert all(pair.apart for pair in pairs if abs(pair.difference_px) > pair.floor_px)


def test_an_ensemble_and_its_member_do_not_set_the_floor_of_the_run() -> None:
    drawn = draw_losses([2.0, 2.1, 2.3], noise=0.1)
    names = ("net_0", "net_1", "net_2", "ensemble:net_0+net_1", "ensemble:net_0+net_2")
    shared = [drawn.squared_px2[0] * 0.95 + drawn.squared_px2[place] * 0.03 for place in (1, 2)]
    losses = RowLosses(
        names, {name: "ensemble" if ":" in name else "network" for name in names}, (*drawn.squared_px2, *shared),
        drawn.counts, drawn.groups, drawn.folds,
    )  # fmt: skip
    ranking = rank_losses(losses)
    assert ranking.floor is not None
    counted = [
        ranking.pair(*pair).floor_px
        for pair in (
            ("net_0", "net_1"), ("net_0", "net_2"), ("net_1", "net_2"),
            ("net_2", "ensemble:net_0+net_1"), ("net_1", "ensemble:net_0+net_2"),
        )
    ]  # fmt: skip
    assert ranking.floor.pairs == 5
    assert ranking.floor.difference_px == pytest.approx(np.median(counted))
    assert ranking.floor.range_px == pytest.approx((min(counted), max(counted)))
    assert ranking.pair("net_0", "ensemble:net_0+net_1").floor_px < min(counted)
