"""Losses are the published ones, in pixels, over labelled coordinates only."""

import math
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.config.recipe import LossName, Recipe
from bench.training.losses import POINTWISE, masked_loss, wing


@given(st.floats(-200, 200))
def test_wing_is_feng_et_al_equation_5(error: float) -> None:
    recipe = Recipe(wing_width_px=10, wing_curvature_px=2)
    width, curvature = 10.0, 2.0
    offset = width - width * math.log(1 + width / curvature)
    expected = width * math.log(1 + abs(error) / curvature) if abs(error) < width else abs(error) - offset
    assert float(wing(torch.tensor(error, dtype=torch.float64), recipe)) == pytest.approx(expected, abs=1e-9)


def test_every_name_that_a_recipe_may_give_has_its_function() -> None:
    assert {*POINTWISE, "own"} == set(get_args(LossName))


@pytest.mark.parametrize("loss", POINTWISE)
def test_missing_labels_carry_no_loss_and_no_gradient(loss: str) -> None:
    recipe = Recipe.model_validate({"loss": loss})
    predicted = torch.randn(4, 30, requires_grad=True)
    target = torch.randn(4, 30)
    target[1] = float("nan")
    target[:, 7] = float("nan")
    masked_loss(predicted, target, recipe).backward()
    assert predicted.grad is not None
    assert torch.isfinite(predicted.grad).all()
    assert predicted.grad[1].abs().max() == 0
    assert predicted.grad[:, 7].abs().max() == 0
    assert predicted.grad[0, 0] != 0
    complete = masked_loss(predicted[[0, 2, 3]][:, [0, 1, 2]], target[[0, 2, 3]][:, [0, 1, 2]], recipe)
    by_hand = {"l1": 1.0, "mse": 1.0}
    if loss in by_hand:
        errors = (predicted - target)[[0, 2, 3]][:, [0, 1, 2]]
        expected = errors.abs().mean() if loss == "l1" else errors.square().mean()
        assert torch.allclose(complete, expected)


def test_nothing_labelled_is_zero_not_nan() -> None:
    loss = masked_loss(torch.zeros(2, 30), torch.full((2, 30), float("nan")), Recipe())
    assert float(loss) == 0
