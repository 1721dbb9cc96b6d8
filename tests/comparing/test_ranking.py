from dataclasses import replace

import numpy as np
import pytest

from bench.comparing.ranking import rank, rank_losses
from bench.measuring.accuracy import rmse_px
from tests.comparing.losses import Layout, draw_losses, draw_observations


def test_order_follows_the_pooled_rmse_that_the_leaderboard_prints() -> None:
    observations = draw_observations([2.0, 1.0, 3.0])
    ranking = rank(observations)
    assert ranking.order == ("net_1", "net_0", "net_2")
    assert ranking.rank == {"net_1": 1, "net_0": 2, "net_2": 3}
    for model, (low, high) in ranking.interval_px.items():
        assert low < rmse_px(observations.predictions[model], observations.truth) < high


def test_a_large_difference_is_found_and_equal_architectures_share_a_letter() -> None:
    ranking = rank_losses(draw_losses([2.0, 2.0, 3.0, 3.0]))
    assert ranking.letters == {"net_0": (1,), "net_1": (1,), "net_2": (2,), "net_3": (2,)}
    assert ranking.pair("net_2", "net_0").better == "net_0"
    assert ranking.pair("net_0", "net_1").better is None
    assert not ranking.weak


def test_the_difference_has_the_sign_of_its_pair_and_its_interval_holds_it() -> None:
    pair = rank_losses(draw_losses([2.0, 3.0])).pair("net_1", "net_0")
    assert (pair.a, pair.b) == ("net_0", "net_1")
    assert pair.difference_px == pytest.approx(-1, abs=0.3)
    assert pair.interval_px[0] < pair.difference_px < pair.interval_px[1] < 0


def test_an_unknown_pair_is_refused() -> None:
    with pytest.raises(KeyError):
        rank_losses(draw_losses([2.0, 3.0])).pair("net_1", "net_9")


def test_noise_of_training_widens_what_one_training_hides() -> None:
    calm = rank_losses(draw_losses([2.0, 2.1], noise=0.0)).pair("net_0", "net_1")
    restless = rank_losses(draw_losses([2.0, 2.1], noise=0.2)).pair("net_0", "net_1")
    assert restless.standard_error_px > 3 * calm.standard_error_px


def test_one_seed_is_weak_and_wider_than_three() -> None:
    once = rank_losses(draw_losses([2.0, 2.0], Layout(seeds=1)))
    thrice = rank_losses(draw_losses([2.0, 2.0], Layout(seeds=3)))
    assert once.weak and once.pairs[0].weak
    assert once.pairs[0].degrees == 4
    assert once.floor is not None and thrice.floor is not None
    assert once.floor.difference_px > thrice.floor.difference_px


def test_one_seed_gives_the_corrected_resampled_t_test() -> None:
    """Against the textbook form: fold differences of equal folds, variance x (1/k + 1/(k-1)), Nadeau & Bengio."""
    losses = draw_losses([2.0, 2.2], Layout(seeds=1))
    pair = rank_losses(losses).pairs[0]
    rmse_px = losses.rmse_px.tolist()
    fold_mse = [losses.fold_sums(losses.group_sums(found))[0] / (120 * 30) for found in losses.squared_px2]
    linear = [mse / (2 * error) for mse, error in zip(fold_mse, rmse_px, strict=True)]
    variance = np.var(linear[0] - linear[1], ddof=1) * (1 / 5 + 1 / 4)
    # The linearised difference of means differs from that of roots in the second order only.
    assert pair.standard_error_px == pytest.approx(_ratio_error(losses, rmse_px), rel=1e-9)
    assert pair.standard_error_px == pytest.approx(np.sqrt(variance), rel=0.25)


def _ratio_error(losses, rmse_px) -> float:  # type: ignore[no-untyped-def]
    parts = [
        losses.fold_sums(losses.group_sums(found - error**2 * 30))[0] / (2 * error * 30 * 600)
        for found, error in zip(losses.squared_px2, rmse_px, strict=True)
    ]
    return float(np.sqrt(np.square(parts[0] - parts[1]).sum() * 5 / 4 * (1 + 5 / 4)))


def test_a_gate_needs_one_seed_and_leaves_networks_as_easily_told_apart() -> None:
    losses = draw_losses([2.0, 2.06, 3.0])
    alone = rank_losses(losses.of([0, 1]))
    gated = replace(
        losses,
        kinds={**losses.kinds, "net_2": "gate"},
        squared_px2=(*losses.squared_px2[:2], losses.squared_px2[2][:1]),
    )
    ranking = rank_losses(gated)
    assert not ranking.weak
    assert ranking.pair("net_0", "net_1").p_holm == pytest.approx(alone.pairs[0].p_holm)
    assert ranking.floor is not None and alone.floor is not None
    assert ranking.floor.difference_px == pytest.approx(alone.floor.difference_px)


def test_a_model_and_its_copy_are_never_different() -> None:
    losses = draw_losses([2.0, 2.0])
    copied = replace(losses, squared_px2=(losses.squared_px2[0], losses.squared_px2[0]))
    ranking = rank_losses(copied)
    assert ranking.pairs[0].p == 1
    assert set(ranking.letters.values()) == {(1,)}


def test_one_fold_and_one_seed_say_nothing_about_noise() -> None:
    losses = draw_losses([2.0, 3.0], Layout(folds=1, seeds=1))
    ranking = rank_losses(losses)
    assert ranking.order == ("net_0", "net_1")
    assert set(ranking.letters.values()) == {(1,)}
    assert ranking.interval_px == {} and ranking.floor is None and ranking.weak
    assert ranking.pairs[0].p == 1


def test_nothing_complete_gives_an_empty_ranking() -> None:
    observations = draw_observations([2.0])
    assert rank(observations.only(())).order == ()


def test_rows_that_one_model_lacks_count_for_none() -> None:
    observations = draw_observations([2.0, 1.0])
    observations.predictions["net_0"][:, observations.fold_of_row == 0] = np.nan
    observations.predictions["net_1"][:, observations.fold_of_row == 0] += 1000
    assert rank(observations).order == ("net_1", "net_0")


def test_missing_labels_are_left_out() -> None:
    observations = draw_observations([2.0, 1.0])
    observations.truth[::3, 4] = np.nan
    observations.truth[5] = np.nan
    ranking = rank(observations)
    low, high = ranking.interval_px["net_1"]
    assert low < rmse_px(observations.predictions["net_1"], observations.truth) < high


def test_parts_of_the_variance_sum_to_the_interval() -> None:
    ranking = rank_losses(draw_losses([2.0, 2.5]))
    parts = ranking.variance_px2["net_0"]
    low, high = ranking.interval_px["net_0"]
    assert parts.seed_cell > 0 and parts.people > 0
    width = np.log(high / low) * np.sqrt(low * high) / 2
    assert 1.9 < width / np.sqrt(parts.variance) < 3


def test_a_better_gate_does_not_part_a_network_from_the_best_network() -> None:
    steady, restless = draw_losses([1.9, 2.2], noise=0.0), draw_losses([1.8], noise=0.5)
    losses = replace(
        steady,
        models=("ridge", "steady", "restless"),
        kinds={"ridge": "gate", "steady": "network", "restless": "network"},
        squared_px2=(steady.squared_px2[0][:1], steady.squared_px2[1], restless.squared_px2[0]),
    )
    ranking = rank_losses(losses)
    assert ranking.order == ("ridge", "restless", "steady")
    assert ranking.letters == {"ridge": (1,), "restless": (1, 2), "steady": (2,)}
    assert ranking.leading == ("restless", "steady")
    assert rank_losses(losses.of([1, 2])).leading == ranking.leading
