"""Optimiser, by groups of parameters, and learning-rate schedule from the recipe."""

import math
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from bench.config.recipe import Recipe
from bench.training.muon import MuonGroup, hidden_weights

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class Steppable(Protocol):
    """Parameters that are moved alike."""

    def step(self, lr: float | Tensor) -> None:
        """Move every one that has a gradient."""
        ...


@dataclass
class AdamWGroup:
    """Parameters that share a weight decay and a factor on the learning rate, with their moments.

    AdamW (Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019) in torch's fused functional form:
    the same bits as ``torch.optim.AdamW(..., fused=True)``, whose first step loads torch's compiler: a second and
    150 MB in every worker, for nothing.
    """

    weight_decay: float
    lr_scale: float
    parameters: list[nn.Parameter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._state: dict[Tensor, tuple[Tensor, Tensor, Tensor]] = {}

    @torch.no_grad()
    def step(self, lr: float | Tensor) -> None:
        """Move every parameter that has a gradient."""
        moved: list[Tensor] = [parameter for parameter in self.parameters if parameter.grad is not None]
        state = [self._state_of(parameter) for parameter in moved]
        adamw(
            moved,
            [parameter.grad for parameter in moved if parameter.grad is not None],
            [mean for mean, _, _ in state],
            [square for _, square, _ in state],
            [],
            [steps for _, _, steps in state],
            fused=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=lr * self.lr_scale,
            weight_decay=self.weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def _state_of(self, parameter: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if parameter not in self._state:
            steps = torch.zeros((), dtype=torch.float32, device=parameter.device)
            self._state[parameter] = torch.zeros_like(parameter), torch.zeros_like(parameter), steps
        return self._state[parameter]


def parameter_groups(module: nn.Module, recipe: Recipe, precision: str) -> list[Steppable]:
    """Groups whose weight decay spares biases and norms, with one group per depth where ``layer_decay`` asks for it.

    Args:
        module: its trainable parameters are taken.
        recipe: says which optimiser steps the hidden layers; AdamW steps the rest.
        precision: ``float32`` or ``bfloat16``: of Muon's products.
    """
    plain: dict[tuple[float, float], AdamWGroup] = {}
    orthogonal: dict[float, MuonGroup] = {}
    children = [name for name, _ in module.named_children()]
    hidden = {one.parameter: one for one in hidden_weights(module)} if recipe.optimiser == "muon" else {}
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        depth = len(children) - 1 - children.index(name.split(".")[0]) if name.split(".")[0] in children else 0
        scale = recipe.layer_decay**depth
        if parameter in hidden:
            group = MuonGroup(recipe.weight_decay, scale, getattr(torch, precision))
            orthogonal.setdefault(scale, group).weights.append(hidden[parameter])
        else:
            key = recipe.weight_decay if parameter.ndim > 1 else 0.0, scale
            plain.setdefault(key, AdamWGroup(*key)).parameters.append(parameter)
    return [*plain.values(), *orthogonal.values()]


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Learning rate of step ``step`` of ``steps``: linear warm-up, then a cosine to zero or constant."""
    warm = recipe.warmup_fraction * steps
    if step < warm:
        return recipe.lr * (step + 1) / (warm + 1)
    if recipe.schedule == "constant":
        return recipe.lr
    progress = (step - warm) / max(steps - warm, 1)
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * progress))
