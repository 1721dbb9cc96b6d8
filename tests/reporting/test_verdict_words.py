from dataclasses import replace

import numpy as np
import pytest

from bench.comparing.ranking import rank
from bench.comparing.verdict import Verdict, compare
from bench.reporting.verdict_words import verdict_words
from tests.comparing.losses import draw_observations


def verdict(*offsets_px: float, seeds: int = 2) -> Verdict:
    observations = draw_observations(offsets_px, seeds=seeds)
    return compare(observations, rank(observations), "net_0", "net_1")


def test_a_clear_difference_names_winner_size_certainty_and_keypoints() -> None:
    found = verdict(1.0, 2.0)
    assert found.pair.better == "net_0"
    assert found.trained.p < 0.05 and found.trained.interval_px[1] < 0
    assert "net_0 is the better architecture by 0.986 px (" in verdict_words(found)
    assert "95 % interval" in verdict_words(found) and "p < 0.001" in verdict_words(found)
    assert "net_0 is better at all 15 keypoints, by 0." in verdict_words(found)
    assert "\n" not in verdict_words(found)


def test_equal_models_are_not_told_apart_and_the_floor_is_named() -> None:
    found = verdict(1.5, 1.5)
    assert found.pair.better is None
    assert "net_0 and net_1 are not told apart" in verdict_words(
        found
    ) or "net_1 and net_0 are not told apart" in verdict_words(found)
    assert "in four cases out of five" in verdict_words(found)


def test_a_bootstrap_interval_does_not_contradict_a_test_that_finds_nothing() -> None:
    found = verdict(1.0, 2.0)
    unsure = replace(found, trained=replace(found.trained, p=0.06))
    assert unsure.trained.interval_px[1] < 0
    assert "The models as trained here are not told apart over other groups (p = 0.060)." in verdict_words(unsure)
    assert "px over other groups" in verdict_words(found) and "px over other groups" not in verdict_words(unsure)


def test_one_seed_is_called_weak() -> None:
    assert "the evidence is weak" in verdict_words(verdict(1.0, 2.0, seeds=1))


def test_one_fold_and_one_seed_say_nothing_about_the_architectures() -> None:
    observations = draw_observations([1.0, 2.0], seeds=1)
    quick = replace(observations, fold_of_row=np.zeros_like(observations.fold_of_row))
    found = compare(quick, rank(quick), "net_0", "net_1")
    assert found.pair.better is None and found.pair.p_holm == 1
    assert "say nothing about chance" in verdict_words(found)
    assert "nan" not in verdict_words(found)


def test_a_keypoint_where_the_loser_wins_is_told() -> None:
    observations = draw_observations([1.0, 2.0])
    observations.predictions["net_0"][:, :, 10] += np.float32(4)
    found = compare(observations, rank(observations), "net_1", "net_0")
    by_name = {one.keypoint: one for one in found.keypoints}
    assert by_name["nose_tip"].winner == "net_1"
    assert by_name["left_eye_center"].winner == "net_0"
    assert "net_1 is better at 1 of 15 keypoints: nose_tip (" in verdict_words(found)


def test_the_tail_is_the_rmse_of_the_worst_twentieth() -> None:
    found = verdict(1.0, 2.0, seeds=1)
    observations = draw_observations([1.0, 2.0], seeds=1)
    rows = np.square(observations.predictions["net_0"][0] - observations.truth).mean(axis=(1, 2))
    worst = np.sort(rows)[-len(rows) // 20 :]
    assert found.tails[0].rmse_px == pytest.approx(np.sqrt(worst.mean()), rel=0.03)
    assert found.tails[0].ci95 is not None


def test_an_unranked_model_is_refused() -> None:
    observations = draw_observations([1.0, 2.0])
    with pytest.raises(KeyError):
        compare(observations, rank(observations), "net_0", "net_7")
