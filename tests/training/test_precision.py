"""Only devices that are there are taken; precision is a rule per layer."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bench.errors import ConfigError
from bench.training.precision import (
    DepthwiseInFloat32,
    attention,
    autocast,
    layers_apart,
    resolve_device,
    resolve_float32_layers,
)


@pytest.mark.parametrize("asked", ["cpu:x", "cpu:0", "cuda:2", "cuda:-1", "cuda:", "cuda:01", "mps", "tpu"])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert [resolve_device(name) for name in ("cpu", "cuda", "cuda:1")] == ["cpu", "cuda", "cuda:1"]
    with pytest.raises(
        ConfigError, match=f"--device {asked}: not available here; available: cpu, cuda, cuda:0, cuda:1"
    ):
        resolve_device(asked)


@pytest.mark.parametrize(("precision", "fused"), [("bfloat16", False), ("float32", True)])
def test_attention_is_trained_by_products_in_a_processors_bfloat16(precision: str, fused: bool) -> None:
    tokens = torch.randn(2, 1, 5, 8, requires_grad=True)
    with torch.profiler.profile() as seen, autocast(precision, "cpu"), attention(precision, "cpu"):
        F.scaled_dot_product_attention(tokens, tokens, tokens).sum().backward()
    assert any("flash_attention" in event.key for event in seen.key_averages()) is fused


def convolutions(groups: int) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3, groups=groups), nn.Conv2d(8, 4, 1))


@pytest.mark.parametrize(("groups", "kept"), [(8, torch.float32), (4, torch.bfloat16), (1, torch.bfloat16)])
def test_only_convolutions_of_single_channels_stay_in_float32(groups: int, kept: torch.dtype) -> None:
    network, seen = convolutions(groups), []
    for layer in network:
        layer.register_forward_hook(lambda _, __, answer: seen.append(answer.dtype))
    with autocast("bfloat16", "cpu"), layers_apart("depthwise", network):
        network(torch.randn(2, 1, 9, 9)).float().sum().backward()
    assert seen == [torch.bfloat16, kept, torch.bfloat16]


def test_their_gradients_are_those_of_float32() -> None:
    layer, pictures = convolutions(8)[1], torch.randn(2, 8, 9, 9).bfloat16()
    layer(pictures.float()).square().sum().backward()
    wanted = layer.weight.grad.clone()
    layer.zero_grad()
    with autocast("bfloat16", "cpu"), layers_apart("depthwise", layer):
        layer(pictures).square().sum().backward()
    assert torch.equal(layer.weight.grad, wanted)


class Computed(nn.Module):
    """Its depthwise weights are themselves the answer of a matrix product, as in CondConv."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = nn.Conv2d(4, 4, 3, groups=4)
        self.mixture = nn.Linear(3, 4 * 9)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        weight = self.mixture(torch.ones(1, 3)).reshape(4, 1, 3, 3)
        return F.conv2d(input=self.plain(pictures), weight=weight, groups=4)


def test_weights_that_were_computed_in_bfloat16_are_taken_too() -> None:
    network = Computed()
    with autocast("bfloat16", "cpu"), layers_apart("depthwise", network):
        answer = network(torch.randn(2, 4, 9, 9))
    assert answer.dtype == torch.float32
    answer.sum().backward()


@pytest.mark.parametrize(
    ("asked", "precision", "device", "found"),
    [
        ("auto", "bfloat16", "cpu", "depthwise"),
        ("auto", "bfloat16", "cuda", "none"),
        ("auto", "float32", "cpu", "none"),
        ("depthwise", "bfloat16", "cuda", "depthwise"),
        ("depthwise", "float32", "cpu", "none"),
        ("none", "bfloat16", "cpu", "none"),
    ],
)
def test_the_rule_is_the_recipes(asked: str, precision: str, device: str, found: str) -> None:
    assert resolve_float32_layers(asked, precision, device) == found


def test_a_network_without_such_layers_has_nothing_around_it() -> None:
    assert isinstance(layers_apart("depthwise", convolutions(8)), DepthwiseInFloat32)
    assert not isinstance(layers_apart("depthwise", convolutions(4)), DepthwiseInFloat32)
    assert not isinstance(layers_apart("none", convolutions(8)), DepthwiseInFloat32)
