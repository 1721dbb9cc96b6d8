"""NaimishNet has the size that follows from the layers in its paper."""

import architectures


def test_layers_hold_as_many_weights_as_the_published_ones() -> None:
    module = architectures.build("naimishnet")
    counted = sum(parameter.numel() for parameter in module.parameters())
    convolutions = (32 * 16 + 32) + (64 * 32 * 9 + 64) + (128 * 64 * 4 + 128) + (256 * 128 + 256)
    assert counted == convolutions + (6_400 * 1_000 + 1_000) + (1_000 * 1_000 + 1_000) + (1_000 * 30 + 30)
