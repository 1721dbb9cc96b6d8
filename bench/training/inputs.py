"""From stored pictures to what a network sees: rows, channels, and the numbers that scale them."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_SPREAD = (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's red, green and blue: what timm's pretrained stems expect of colours."""

MEAN_GREY = 0.449
"""Mean of the three means: what those stems expect of a grey picture."""
GREY_SPREAD = 0.226
"""Mean of the three standard deviations."""


def input_scaling(channels: int) -> tuple[Tensor, Tensor]:
    """Factor and offset, float32 (channels, 1, 1): numbers 0-255 times the one, minus the other, have zero mean and
    unit spread on average.

    Fixed numbers: no statistic of the data is used, so none can leak from a scored row.
    """
    mean, spread = (IMAGENET_MEAN, IMAGENET_SPREAD) if channels == 3 else ((MEAN_GREY,), (GREY_SPREAD,))
    factor = torch.tensor([1 / (255 * each) for each in spread])
    offset = torch.tensor([middle / each for middle, each in zip(mean, spread, strict=True)])
    return factor[:, None, None], offset[:, None, None]


def channels_first(pictures: Tensor) -> Tensor:
    """Stored pictures (B, side, side) or (B, side, side, 3) -> a view (B, channels, side, side), same numbers."""
    return pictures.unsqueeze(1) if pictures.ndim == 3 else pictures.movedim(-1, 1)


def channels_last(pictures: Tensor) -> Tensor:
    """The memory format in which every network is trained and scored."""
    return pictures.contiguous(memory_format=torch.channels_last)


class Pictures(Protocol):
    """Pictures by position: a uint8 tensor (N, side, side) or (N, side, side, 3), or :class:`MappedPictures`."""

    def __len__(self) -> int: ...

    def __getitem__(self, positions: Tensor, /) -> Tensor:
        """int64 (B,) -> uint8 (B, side, side) or (B, side, side, 3)."""
        ...


@dataclass(frozen=True)
class MappedPictures:
    """Some rows of a (memory-mapped) array, gathered batch by batch: what is not in a batch is never copied.

    Attributes:
        images: uint8 (rows of the file, side, side) or (rows of the file, side, side, 3).
        rows: int64 (N,), the rows that can be seen through this.
    """

    images: NDArray[np.uint8]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, positions: Tensor) -> Tensor:
        return torch.from_numpy(np.asarray(self.images)[self.rows[positions.numpy()]])


def resident(pictures: Pictures, device: str) -> Pictures:
    """On an accelerator all pictures at once, since copying batches would be waited for; on the CPU as they are."""
    return pictures if device == "cpu" else pictures[torch.arange(len(pictures))].to(device)
