"""Ensembles average what is recorded; whatever a member lacks, they lack."""

import numpy as np
import pytest

from bench.comparing.ensembles import with_ensembles
from bench.comparing.observations import Observations
from bench.measuring.accuracy import rmse_px


def observations(rows: int = 60, seeds: int = 2) -> Observations:
    generator = np.random.default_rng(0)
    truth = generator.uniform(10, 85, (rows, 15, 2)).astype(np.float32)
    predictions = {
        name: (truth + generator.normal(0, 2, (seeds, *truth.shape))).astype(np.float32) for name in ("a", "b")
    }
    predictions["c"] = predictions["a"].copy()
    predictions["c"][1, 5] = np.nan
    return Observations(truth, np.arange(rows), np.arange(rows) % 5, predictions, dict.fromkeys(predictions, "network"))


def test_independent_errors_shrink_by_the_root_of_two() -> None:
    before = observations()
    after = with_ensembles(before, ["ensemble:a+b"])
    assert after.kinds["ensemble:a+b"] == "ensemble"
    mean = (before.predictions["a"] + before.predictions["b"]) / 2
    assert np.allclose(after.predictions["ensemble:a+b"], mean, atol=1e-4)
    errors = {name: rmse_px(after.predictions[name], after.truth) for name in ("a", "b", "ensemble:a+b")}
    assert errors["ensemble:a+b"] == pytest.approx(errors["a"] / np.sqrt(2), rel=0.05)
    assert set(before.predictions) == {"a", "b", "c"}


def test_a_missing_row_of_a_member_is_missing() -> None:
    after = with_ensembles(observations(), ["ensemble:b+c"]).predictions["ensemble:b+c"]
    assert np.isnan(after[1, 5]).all()
    assert np.isfinite(after[0]).all()


def test_an_absent_member_leaves_the_ensemble_out() -> None:
    assert "ensemble:a+z" not in with_ensembles(observations(), ["ensemble:a+z"]).predictions
