"""Decoding maps is exact to a fraction of a pixel everywhere in the frame."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from architectures.blocks import MapHead, RegressionHead, soft_argmax

CELLS, MARGIN, CELL_PX = 24, 3, 4.0
CENTRES_PX = (torch.arange(CELLS + 2 * MARGIN) - MARGIN + 0.5) * CELL_PX - 0.5


def drawn_maps(x: float, y: float) -> torch.Tensor:
    """A Gaussian of one cell's spread at any place in pixels, as the scores that soft-argmax takes: (1, 1, 30, 30)."""
    across = -((CENTRES_PX - x) ** 2) / (2 * CELL_PX**2)
    down = -((CENTRES_PX - y) ** 2) / (2 * CELL_PX**2)
    return (down[:, None] + across[None, :])[None, None]


@settings(deadline=None, max_examples=300)
@given(st.floats(-0.5, 95.5), st.floats(-0.5, 95.5))
def test_maps_fed_directly_are_decoded_within_a_twentieth_of_a_pixel(x: float, y: float) -> None:
    decoded = soft_argmax(drawn_maps(x, y), extent=(CELLS + 2 * MARGIN) / CELLS)
    pixels = ((decoded + 1) * 96 - 1) / 2
    assert abs(float(pixels[0, 0]) - x) < 0.05
    assert abs(float(pixels[0, 1]) - y) < 0.05


def test_the_order_is_x_then_y_of_each_map() -> None:
    maps = torch.cat([drawn_maps(10, 80), drawn_maps(50, 20)], dim=1)
    pixels = ((soft_argmax(maps, 1.25) + 1) * 96 - 1) / 2
    assert torch.allclose(pixels, torch.tensor([[10.0, 80.0, 50.0, 20.0]]), atol=0.05)


def test_the_map_head_covers_a_margin_around_the_frame() -> None:
    head = MapHead(4, 15)
    nn.init.zeros_(head.maps.weight)
    nn.init.zeros_(head.maps.bias)
    assert torch.allclose(head(torch.randn(2, 4, 24, 24)), torch.zeros(2, 30), atol=1e-5)


def test_the_regression_head_starts_near_the_centre() -> None:
    assert RegressionHead(8, 6, 15)(torch.randn(4, 8, 6, 6)).abs().max() < 0.2
