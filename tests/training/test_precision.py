"""Only devices that are there are taken; precision is a rule per layer."""

import pytest
import torch
from torch import nn

from bench.config.recipe import Recipe
from bench.errors import ConfigError
from bench.training.precision import DepthwiseInFloat32, autocast, layers_apart, resolve_device


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


def convolutions(groups: int) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3, groups=groups), nn.Conv2d(8, 4, 1))


@pytest.mark.parametrize(("groups", "kept"), [(8, torch.float32), (4, torch.bfloat16), (1, torch.bfloat16)])
def test_only_convolutions_of_single_channels_stay_in_float32(groups: int, kept: torch.dtype) -> None:
    network, seen = convolutions(groups), []
    for layer in network:
        layer.register_forward_hook(lambda _, __, answer: seen.append(answer.dtype))
    with autocast("bfloat16", "cpu"), layers_apart(Recipe(), "bfloat16", "cpu", network):
        network(torch.randn(2, 1, 9, 9)).float().sum().backward()
    assert seen == [torch.bfloat16, kept, torch.bfloat16]


def test_their_gradients_are_those_of_float32() -> None:
    network, pictures = convolutions(8)[1], torch.randn(2, 8, 9, 9)
    network(pictures).square().sum().backward()
    wanted = network.weight.grad.clone()
    network.zero_grad()
    with autocast("bfloat16", "cpu"), layers_apart(Recipe(), "bfloat16", "cpu", network):
        network(pictures.bfloat16().float()).square().sum().backward()
    assert network.weight.grad.dtype == torch.float32
    assert torch.allclose(network.weight.grad, wanted, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize(
    ("recipe", "precision", "device", "groups", "apart"),
    [
        ({}, "bfloat16", "cpu", 8, True),
        ({}, "bfloat16", "cuda", 8, False),
        ({}, "float32", "cpu", 8, False),
        ({}, "bfloat16", "cpu", 4, False),
        ({"float32_layers": "depthwise"}, "bfloat16", "cuda", 8, True),
        ({"float32_layers": "none"}, "bfloat16", "cpu", 8, False),
    ],
)
def test_the_rule_is_the_recipes(recipe: dict[str, str], precision: str, device: str, groups: int, apart: bool) -> None:
    found = layers_apart(Recipe(**recipe), precision, device, convolutions(groups))
    assert isinstance(found, DepthwiseInFloat32) == apart
