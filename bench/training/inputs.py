"""From stored pictures to what a network sees: the one place that scales grey values."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
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


class Pictures(Protocol):
    """Pictures by position: a uint8 tensor (N, 96, 96), or :class:`MappedPictures`."""

    def __len__(self) -> int: ...

    def __getitem__(self, positions: Tensor, /) -> Tensor:
        """int64 (B,) -> uint8 (B, 96, 96)."""
        ...


@dataclass(frozen=True)
class MappedPictures:
    """Some rows of a (memory-mapped) array, gathered batch by batch: what is not in a batch is never copied.

    Attributes:
        images: uint8 (rows of the file, 96, 96).
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
