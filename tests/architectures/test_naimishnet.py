"""NaimishNet has the size that follows from the layers in its paper."""

import torch
from torch import nn

import architectures


def test_layers_hold_as_many_weights_as_the_published_ones() -> None:
    module = architectures.build("naimishnet")
    counted = sum(parameter.numel() for parameter in module.parameters())
    convolutions = (32 * 16 + 32) + (64 * 32 * 9 + 64) + (128 * 64 * 4 + 128) + (256 * 128 + 256)
    assert counted == convolutions + (6_400 * 1_000 + 1_000) + (1_000 * 1_000 + 1_000) + (1_000 * 30 + 30)


def test_dropout_rises_by_a_tenth_from_layer_to_layer() -> None:
    module = architectures.build("naimishnet")
    assert [one.p for one in module.modules() if isinstance(one, nn.Dropout)] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]


def test_pooling_before_elu_is_the_published_order_in_other_words() -> None:
    maps = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    pool, elu = nn.MaxPool2d(2), nn.ELU()
    assert torch.equal(elu(pool(maps)), pool(elu(maps)))
