"""Losses on pixel errors, NaN-masked."""

import math
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.config.recipe import Recipe


def masked_loss(predicted: Tensor, target: Tensor, recipe: Recipe) -> Tensor:
    """Mean loss over the labelled coordinates.

    Args:
        predicted: float (B, 2 K) in pixels.
        target: float (B, 2 K) in pixels, NaN = not labelled.
        recipe: gives the loss and its widths; not ``own``, which only the module can compute.

    Returns:
        A float32 scalar; zero where nothing is labelled.
    """
    labelled = torch.isfinite(target)
    # Replaced before the subtraction: a NaN behind torch.where would still poison the gradient.
    error = predicted.float() - torch.where(labelled, target, predicted.detach().float())
    each = POINTWISE[recipe.loss](error, recipe)
    return (each * labelled).sum() / labelled.sum().clamp(min=1)


def wing(error: Tensor, recipe: Recipe) -> Tensor:
    """Wing loss of Feng et al., "Wing Loss for Robust Facial Landmark Localisation" (CVPR 2018), eq. 5; pixels.

    w ln(1 + |x| / epsilon) below w, |x| - C above, with C making the pieces meet.
    """
    width, curvature = recipe.wing_width_px, recipe.wing_curvature_px
    size = error.abs()
    offset = width - width * math.log1p(width / curvature)
    return torch.where(size < width, width * torch.log1p(size / curvature), size - offset)


def smooth_l1(error: Tensor, recipe: Recipe) -> Tensor:
    """Half the square over the width below it, linear above."""
    return F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=recipe.wing_width_px)


POINTWISE: Mapping[str, Callable[[Tensor, Recipe], Tensor]] = {
    "wing": wing,
    "smooth_l1": smooth_l1,
    "l1": lambda error, _: error.abs(),
    "mse": lambda error, _: error.square(),
}
"""Losses by their name in a recipe: errors in pixels, any shape -> the loss of each. A new one is a line here, and its
name in ``LossName``."""
