"""From stored pictures to what a network sees: the one place that scales grey values."""

from torch import Tensor

MEAN_GREY = 0.449
"""Mean of ImageNet's three channel means: what timm's pretrained stems expect of a grey picture."""
GREY_SPREAD = 0.226
"""Mean of ImageNet's three channel standard deviations."""


def to_input(pictures: Tensor) -> Tensor:
    """uint8 (or float 0-255) (B, 96, 96) -> float32 (B, 1, 96, 96), zero mean and unit spread on average.

    Fixed numbers: no statistic of the data is used, so none can leak from a scored row.
    """
    return pictures.unsqueeze(1).float().mul(1 / (255 * GREY_SPREAD)).sub(MEAN_GREY / GREY_SPREAD)
