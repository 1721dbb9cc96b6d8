"""Muon: torch's own steps for plain matrices, and what it leaves to AdamW."""

import pytest
import torch
from torch import Tensor, nn

from bench.config.recipe import Recipe
from bench.training.muon import MuonGroup, Weight, hidden_weights, orthogonal
from bench.training.optimisation import AdamWGroup, parameter_groups

MUON = Recipe(optimiser="muon", weight_decay=0.1)


def small_net() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.BatchNorm2d(12),
        nn.Conv2d(12, 8, 3, padding=1, groups=2),
        nn.Flatten(),
        nn.Linear(8 * 16, 6),
        nn.Linear(6, 4),
    )


def test_matrices_move_as_torchs_class_moves_them() -> None:
    torch.manual_seed(0)
    start = [torch.randn(5, 7), torch.randn(9, 4)]
    ours = [nn.Parameter(one.clone()) for one in start]
    theirs = [nn.Parameter(one.clone()) for one in start]
    group = MuonGroup(0.1, 1.0, torch.bfloat16, [Weight(one, 1) for one in ours])
    reference = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(4):
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = other.grad = torch.randn(mine.shape)
        group.step(0.02)
        reference.step()
    for mine, other, one in zip(ours, theirs, start, strict=True):
        moved = (other - one).norm()
        assert moved > 0.05
        assert (mine - other).norm() < 0.02 * moved  # products in bfloat16, in another order


@pytest.mark.parametrize("shape", [(1, 6, 40), (3, 40, 6), (2, 8, 8)])
def test_singular_values_come_near_one(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(100 * torch.randn(shape)))
    assert 0.5 < float(values.min()) <= float(values.max()) < 1.3


def test_it_takes_the_weights_between_the_first_and_the_last_layer_but_depthwise_ones() -> None:
    net = small_net()
    assert [(one.parameter, one.groups) for one in hidden_weights(net)] == [
        (net[2].weight, 1),
        (net[4].weight, 2),
        (net[6].weight, 1),
    ]
    groups = parameter_groups(net, MUON, "float32")
    taken = [weight.parameter for group in groups if isinstance(group, MuonGroup) for weight in group.weights]
    left = [parameter for group in groups if isinstance(group, AdamWGroup) for parameter in group.parameters]
    assert {*map(id, taken), *map(id, left)} == set(map(id, net.parameters()))
    assert len(taken) + len(left) == len([*net.parameters()])
    assert not any(isinstance(group, MuonGroup) for group in parameter_groups(net, Recipe(), "float32"))


def test_groups_of_a_convolution_are_matrices_of_their_own() -> None:
    layer = nn.Conv2d(12, 8, 3, groups=2).to(memory_format=torch.channels_last)
    weight = Weight(layer.weight, 2)
    matrices = weight.matrices(layer.weight.detach())
    assert matrices.shape == (2, 4, 6 * 9)
    assert torch.equal(weight.shaped(matrices), layer.weight)
    assert torch.equal(matrices[1], weight.matrices(layer.weight.detach().contiguous())[1])
    step = matrices_step(layer, weight)
    assert torch.allclose(step[0] @ step[0].T, 0.04 * 54 * torch.eye(4), atol=1.2)


def matrices_step(layer: nn.Conv2d, weight: Weight) -> Tensor:
    """What one step of learning rate 1 takes away."""
    before = layer.weight.detach().clone()
    layer.weight.grad = torch.randn_like(layer.weight)
    MuonGroup(0.0, 1.0, torch.float32, [weight]).step(1.0)
    return weight.matrices(before - layer.weight.detach())


def test_weights_without_a_gradient_stay_and_frozen_ones_are_nobodys() -> None:
    net = small_net()
    net[2].weight.requires_grad_(False)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter) if parameter is net[6].weight else None
    before = {name: value.clone() for name, value in net.state_dict().items()}
    for group in parameter_groups(net, MUON, "float32"):
        group.step(0.1)
    moved = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"6.weight"}
