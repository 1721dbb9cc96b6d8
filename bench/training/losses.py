"""Losses on pixel errors, NaN-masked."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.config.recipe import Recipe


def masked_loss(predicted: Tensor, target: Tensor, recipe: Recipe) -> Tensor:
    """Mean loss over the labelled coordinates.

    Args:
        predicted: float (B, 30) in pixels.
        target: float (B, 30) in pixels, NaN = not labelled.
        recipe: gives the loss and its widths.

    Returns:
        A float32 scalar; zero where nothing is labelled.
    """
    labelled = torch.isfinite(target)
    # Replaced before the subtraction: a NaN behind torch.where would still poison the gradient.
    error = predicted.float() - torch.where(labelled, target, predicted.detach().float())
    each = _pointwise(error, recipe)
    return (each * labelled).sum() / labelled.sum().clamp(min=1)


def _pointwise(error: Tensor, recipe: Recipe) -> Tensor:
    width, curvature = recipe.wing_width_px, recipe.wing_curvature_px
    match recipe.loss:
        case "wing":
            return wing(error, width, curvature)
        case "smooth_l1":
            return F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=width)
        case "l1":
            return error.abs()
        case _:
            return error.square()


def wing(error: Tensor, width: float, curvature: float) -> Tensor:
    """Wing loss of Feng et al., "Wing Loss for Robust Facial Landmark Localisation" (CVPR 2018), eq. 5; pixels.

    w ln(1 + |x| / epsilon) below w, |x| - C above, with C making the pieces meet.
    """
    size = error.abs()
    offset = width - width * math.log1p(width / curvature)
    return torch.where(size < width, width * torch.log1p(size / curvature), size - offset)
