"""The optimiser: torch's own bits, without what its class loads."""

import torch
from torch import nn

from bench.config.recipe import Recipe
from bench.training.optimisation import parameter_groups


def test_every_step_gives_the_bits_of_torchs_class() -> None:
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 2))
    idle = nn.Parameter(torch.ones(3))
    ours.register_parameter("idle", idle)  # never gets a gradient
    theirs = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 2))
    theirs.load_state_dict(ours.state_dict(), strict=False)
    groups = parameter_groups(ours, Recipe(weight_decay=0.1), "float32")
    matrices = [parameter for parameter in theirs.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in theirs.parameters() if parameter.ndim == 1]
    reference = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}], fused=True
    )
    for step in range(5):
        inputs, lr = torch.randn(8, 6), 0.01 / (step + 1)
        for module in (ours, theirs):
            for parameter in module.parameters():
                parameter.grad = None
            module(inputs).square().mean().backward()
        for one in groups:
            one.step(lr)
        for group in reference.param_groups:
            group["lr"] = lr
        reference.step()
    for mine, other in zip([*ours.parameters()][1:], theirs.parameters(), strict=True):
        assert torch.equal(mine, other)
    assert torch.equal(idle, torch.ones(3))


def test_layers_further_from_the_head_take_smaller_steps() -> None:
    module = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    nn.init.ones_(module[0].weight)
    nn.init.ones_(module[1].weight)
    groups = parameter_groups(module, Recipe(weight_decay=0, layer_decay=0.5), "float32")
    for parameter in module.parameters():
        parameter.grad = torch.ones_like(parameter)
    for group in groups:
        group.step(0.1)
    assert torch.allclose(module[1].weight, torch.tensor(0.9), atol=1e-5)
    assert torch.allclose(module[0].weight, torch.tensor(0.95), atol=1e-5)
