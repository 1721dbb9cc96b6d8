import numpy as np
import pytest

from bench.measuring.accuracy import METRICS, Accuracy, rmse_px, row_nme, squared_errors
from bench.measuring.accuracy import score as score_by
from bench.scheme import BOX, SEED_SCHEME, scheme_of_names

LEFT_EYE_CENTER, RIGHT_EYE_CENTER = (SEED_SCHEME.names.index(f"{side}_eye_center") for side in ("left", "right"))


def score(predictions: np.ndarray, truth: np.ndarray) -> Accuracy:
    return score_by(predictions, truth, SEED_SCHEME)


@pytest.fixture
def truth() -> np.ndarray:
    points = np.random.default_rng(0).uniform(10, 80, (6, 15, 2)).astype(np.float32)
    points[:, LEFT_EYE_CENTER] = (66, 38)
    points[:, RIGHT_EYE_CENTER] = (30, 38)
    return points


def test_rmse_is_kaggles_and_keypoints_average_to_it(truth: np.ndarray) -> None:
    found = score(truth + np.random.default_rng(1).normal(0, 2, truth.shape).astype(np.float32), truth)
    assert np.mean(np.square(list(found.per_keypoint_rmse_px.values()))) == pytest.approx(found.metrics["rmse_px"] ** 2)


def test_a_shift_of_three_and_four_pixels(truth: np.ndarray) -> None:
    """Distance 5 px over 36 px between the eyes; RMSE over coordinates is 5 / sqrt 2."""
    found = score(truth + np.array([3, 4], dtype=np.float32), truth)
    assert found.metrics["rmse_px"] == pytest.approx(5 / np.sqrt(2), rel=1e-5)
    assert found.metrics["nme_percent"] == pytest.approx(500 / 36, rel=1e-4)
    assert (found.metrics["failure_rate"], found.metrics["auc"]) == (1.0, 0.0)


def test_a_shift_within_ten_percent_scores_its_area(truth: np.ndarray) -> None:
    found = score(truth + np.array([1.8, 0], dtype=np.float32), truth)
    assert found.metrics["failure_rate"] == 0
    assert found.metrics["auc"] == pytest.approx(0.5, rel=1e-4)


def test_missing_labels_leave_rows_and_coordinates_out(truth: np.ndarray) -> None:
    predictions = truth + np.array([3, 4], dtype=np.float32)
    truth[0, LEFT_EYE_CENTER] = np.nan
    truth[1, 5, 0] = np.nan
    found = score(predictions, truth)
    assert found.nme_rows_left_out == 1
    assert np.isnan(row_nme(predictions, truth, SEED_SCHEME)[0])
    assert np.isnan(squared_errors(predictions, truth)).sum() == 3
    assert found.metrics["rmse_px"] == pytest.approx(np.sqrt(12.5), rel=2e-2)


def test_unpredicted_rows_are_neither_scored_nor_counted(truth: np.ndarray) -> None:
    predictions = np.stack([truth + 1, truth + 1]).astype(np.float32)
    predictions[:, 3:] = np.nan
    found = score(predictions, truth)
    assert found.metrics["rmse_px"] == pytest.approx(1, rel=1e-5)
    assert found.nme_rows_left_out == 0


def test_points_without_eyes_are_scored_by_the_box_of_what_is_labelled() -> None:
    """Distance 5 px over the diagonal of a box of 30 by 40; a row with a single labelled point has no box."""
    scheme = scheme_of_names(("snout", "paw", "tail"), side_px=128, channels=3)
    assert scheme.normaliser == BOX
    truth = np.array([[[10, 10], [40, 50], [20, 20]], [[0, 0], [np.nan, np.nan], [np.nan, np.nan]]], np.float32)
    found = score_by(np.nan_to_num(truth) + np.array([3, 4], np.float32), truth, scheme)
    assert found.metrics["nme_percent"] == pytest.approx(10, rel=1e-5)
    assert found.nme_rows_left_out == 1
    assert list(found.per_keypoint_rmse_px) == ["snout", "paw", "tail"]


def test_the_rmse_alone_is_that_of_the_whole_score(truth: np.ndarray) -> None:
    predictions = truth + np.random.default_rng(1).normal(0, 2, (2, *truth.shape)).astype(np.float32)
    predictions[0, 3] = np.nan
    assert rmse_px(predictions, truth) == score(predictions, truth).metrics["rmse_px"]
    assert list(score(predictions, truth).metrics) == list(METRICS)
