"""The gates: what they predict, and that missing labels only touch their own coordinate."""

import numpy as np
import pytest

from bench.gates import GATES, predict_gate
from tests.conftest import draw_rows


@pytest.mark.parametrize("name", GATES)
def test_a_missing_label_changes_no_other_coordinate(name: str) -> None:
    images, keypoints = draw_rows(30)
    whole = predict_gate(name, images[:20], keypoints[:20], images[20:])
    holes = keypoints.copy()
    holes[:5, 3] = np.nan
    holes[:, 9, 0] = np.nan
    partial = predict_gate(name, images[:20], holes[:20], images[20:])
    others = np.ones((15, 2), bool)
    others[3] = others[9, 0] = False
    assert np.allclose(partial[:, others], whole[:, others], atol=1e-4)
    assert np.isfinite(partial).all()
    assert (partial[:, 9, 0] == 47.5).all()


@pytest.mark.parametrize("name", GATES)
def test_a_coordinate_labelled_unlike_all_others_is_fitted_alone(name: str) -> None:
    images, keypoints = draw_rows(30)
    keypoints[:5, 9, 0] = np.nan
    lone = predict_gate(name, images[:20], keypoints[:20], images[20:])[:, 9, 0]
    rows = predict_gate(name, images[5:20], keypoints[5:20], images[20:])[:, 9, 0]
    assert np.allclose(lone, rows, atol=1e-4)


def test_the_mean_face_is_the_mean() -> None:
    images, keypoints = draw_rows(30)
    assert np.allclose(predict_gate("mean_face", images, keypoints, images[:2]), keypoints.mean(0), atol=1e-4)


def test_ridge_and_neighbours_use_the_pictures() -> None:
    images, keypoints = draw_rows(200)
    errors = {
        name: np.sqrt(np.mean((predict_gate(name, images[:150], keypoints[:150], images[150:]) - keypoints[150:]) ** 2))
        for name in GATES
    }
    assert errors["ridge"] < 0.8 * errors["mean_face"]
    assert errors["knn"] < errors["mean_face"]
