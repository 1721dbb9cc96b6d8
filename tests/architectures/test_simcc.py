"""Coordinate classification: labels decode to where they were drawn, and what is not labelled teaches nothing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import architectures
from architectures.simcc import SimCC, gaussian_labels, mean_position

BINS, SIGMA, EXTENT = 240, 2 * 2.0 / 96, 1.25


def built() -> SimCC:
    torch.manual_seed(0)
    module = architectures.build("simcc", width=8, blocks=1)
    assert isinstance(module, SimCC)
    return module


def pictures(rows: int) -> torch.Tensor:
    return torch.randn(rows, 1, 96, 96, generator=torch.Generator().manual_seed(1))


@settings(deadline=None, max_examples=300)
@given(st.floats(-0.5, 95.5), st.floats(0.5, 4.0))
def test_a_drawn_label_is_decoded_within_a_twentieth_of_a_pixel(x_px: float, sigma_px: float) -> None:
    position = torch.full((1, 30), (2 * x_px + 1) / 96 - 1)
    labels = gaussian_labels(position, BINS, 2 * sigma_px / 96, EXTENT)
    decoded_px = ((mean_position(labels.log(), EXTENT) + 1) * 96 - 1) / 2
    assert (decoded_px - x_px).abs().max() < 0.05


def test_the_scores_stand_in_the_order_of_the_answers() -> None:
    """The classifier of columns decides the even answers, that of lines the odd ones."""
    module = built().eval()
    before = module(pictures(2))
    with torch.no_grad():
        module.across.bias[-1] += 50
    moved = (module(pictures(2)) - before).abs() > 0.5
    assert moved[:, 0::2].all()
    assert not moved[:, 1::2].any()


def test_unlabelled_and_unreachable_points_teach_nothing() -> None:
    module = built().eval()
    targets = torch.linspace(-0.8, 0.8, 30).repeat(3, 1)
    targets[1, :] = float("nan")
    targets[2, 5:] = EXTENT + 0.1
    alone = targets.clone()
    alone[2, 5:] = float("nan")
    loss = module.training_loss(pictures(3), targets)
    assert torch.isfinite(loss)
    assert torch.equal(loss, module.training_loss(pictures(3), alone))
    rows = pictures(3)
    rows[1] = 7.0
    assert torch.allclose(loss, module.training_loss(rows, targets))
    assert module.training_loss(pictures(3), torch.full((3, 30), float("nan"))) == 0


def test_the_loss_is_least_at_the_label() -> None:
    position = torch.zeros(1, 30)
    right = gaussian_labels(position, BINS, SIGMA, EXTENT).log()
    module = built()
    module.scores = lambda _: right.clamp(min=-200)  # type: ignore[method-assign, assignment]
    best = float(module.training_loss(pictures(1), position))
    assert best < float(module.training_loss(pictures(1), position + 0.05))
    assert best < float(module.training_loss(pictures(1), position - 0.05))


@pytest.mark.parametrize("options", [{"bins_per_px": 0}, {"sigma_px": 9.0}, {"width": 2}, {"blocks": 0}])
def test_options_out_of_range_are_named(options: dict[str, float]) -> None:
    (name,) = options
    with pytest.raises(architectures.ArchitectureError, match=f"{name} is"):
        architectures.build("simcc", **options)
