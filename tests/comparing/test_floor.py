import pytest

from bench.comparing.floor import improvements
from bench.comparing.ranking import rank_losses
from tests.comparing.losses import Layout, draw_losses


def test_with_restless_training_seeds_lower_the_floor_and_people_hardly() -> None:
    floor = rank_losses(draw_losses([2.0, 2.0], noise=0.2)).floor
    assert floor is not None
    ways = {way.means: way for way in improvements(floor, train_minutes=10)}
    assert ways["seeds"].floor_px < 0.85 * floor.difference_px
    assert ways["people"].floor_px > 0.9 * floor.difference_px
    assert (ways["seeds"].before, ways["seeds"].after) == (3, 6)
    assert ways["seeds"].extra_minutes == pytest.approx(10)


def test_more_folds_cost_new_trainings_on_larger_parts() -> None:
    floor = rank_losses(draw_losses([2.0, 2.0])).floor
    assert floor is not None
    way = next(way for way in improvements(floor, train_minutes=40) if way.means == "folds")
    # Ten trainings on 9/10 of the rows instead of five on 4/5: 9 against 4 parts.
    assert way.extra_minutes == pytest.approx(40 * 9 / 4)


def test_one_seed_gains_most_from_more() -> None:
    floor = rank_losses(draw_losses([2.0, 2.0], Layout(seeds=1))).floor
    assert floor is not None
    best = improvements(floor, train_minutes=10)[0]
    assert (best.means, best.before, best.after) == ("seeds", 1, 3)


def test_more_models_raise_the_floor() -> None:
    two, six = (rank_losses(draw_losses([2.0] * count)).floor for count in (2, 6))
    assert two is not None and six is not None
    assert six.difference_px > two.difference_px


def test_one_network_has_nothing_to_be_told_from() -> None:
    assert rank_losses(draw_losses([2.0])).floor is None


def test_far_worse_networks_count_as_pairs_but_do_not_blur_the_floor() -> None:
    good = [2.0, 2.0, 2.0]
    like, beside = (rank_losses(draw_losses(good + others)).floor for others in ([2.0] * 7, [20.0] * 7))
    assert like is not None and beside is not None
    assert beside.pairs == like.pairs == 45
    assert beside.difference_px == pytest.approx(like.difference_px, rel=0.35)
