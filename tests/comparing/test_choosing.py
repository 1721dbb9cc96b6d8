from dataclasses import replace

import pytest

from bench.comparing.choosing import CostLimits, options_by_error, probability_best, split_by_limits
from bench.comparing.spread import spread
from tests.comparing.losses import Layout, draw_losses, draw_observations


def test_limits_name_what_is_too_much_and_what_is_missing() -> None:
    costs = {
        "small": CostLimits(1.0, 1e6, 4.0),
        "slow": CostLimits(9.0, 1e6, 4.0),
        "big": CostLimits(1.0, 3e6, 12.0),
        "unmeasured": CostLimits(None, 1e6, 4.0),
    }
    fitting, refusals = split_by_limits(costs, CostLimits(latency_ms=5, parameters=2e6))
    assert fitting == ("small",)
    assert refusals == {
        "slow": "latency 9 ms above 5",
        "big": "parameters 3,000,000 above 2,000,000",
        "unmeasured": "latency not measured",
    }
    assert split_by_limits(costs, CostLimits())[0] == tuple(costs)


def test_a_clear_winner_is_certain_and_comes_first() -> None:
    options = options_by_error(draw_observations([2.0, 1.0, 3.0]), ("net_0", "net_1", "net_2"))
    assert [option.model for option in options] == ["net_1", "net_0", "net_2"]
    assert options[0].probability_best == pytest.approx(1, abs=0.01)
    assert sum(option.probability_best or 0 for option in options) == pytest.approx(1)


def test_only_those_that_fit_share_the_probability() -> None:
    options = options_by_error(draw_observations([2.0, 1.0, 3.0]), ("net_2",))
    assert [(option.model, option.probability_best) for option in options] == [("net_2", 1.0)]


def test_twins_share_the_probability() -> None:
    losses = draw_losses([2.0, 2.0])
    level = losses.squared_px2[0].sum() / losses.squared_px2[1].sum()
    equal = replace(losses, squared_px2=(losses.squared_px2[0], losses.squared_px2[1] * level))
    chances = probability_best(spread(equal))
    assert chances is not None
    assert chances == pytest.approx([0.5, 0.5], abs=0.02)


def test_one_seed_is_less_sure_than_three_and_one_fold_is_not_sure_at_all() -> None:
    def chance(layout: Layout) -> float | None:
        found = probability_best(spread(draw_losses([2.0, 2.05], layout, noise=0.03)))
        return None if found is None else float(found.max())

    once, thrice = chance(Layout(seeds=1)), chance(Layout(seeds=3))
    assert once is not None and thrice is not None
    assert chance(Layout(folds=1, seeds=1)) is None
    assert chance(Layout(seeds=1)) == once
