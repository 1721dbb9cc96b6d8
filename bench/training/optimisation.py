"""Optimiser, parameter groups and learning-rate schedule from the recipe."""

import math

import torch
from torch import nn

from bench.config.recipe import Recipe


def make_optimiser(module: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW whose weight decay spares biases and norms, with one group per depth where ``layer_decay`` asks for it.

    Each group keeps its share of the learning rate in ``lr_scale``.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    children = [name for name, _ in module.named_children()]
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
            depth = len(children) - 1 - children.index(name.split(".")[0]) if name.split(".")[0] in children else 0
            groups.setdefault((decay, recipe.layer_decay**depth), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "weight_decay": decay, "lr_scale": scale}
            for (decay, scale), parameters in groups.items()
        ],
        lr=recipe.lr,
        fused=True,
    )


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Learning rate of step ``step`` of ``steps``: linear warm-up, then a cosine to zero or constant."""
    warm = recipe.warmup_fraction * steps
    if step < warm:
        return recipe.lr * (step + 1) / (warm + 1)
    if recipe.schedule == "constant":
        return recipe.lr
    progress = (step - warm) / max(steps - warm, 1)
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * progress))


def set_learning_rate(optimiser: torch.optim.Optimizer, value: float) -> None:
    """Give every group its share of ``value``."""
    for group in optimiser.param_groups:
        group["lr"] = value * group["lr_scale"]
