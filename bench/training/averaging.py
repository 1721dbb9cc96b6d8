"""Equal-share averaging of the weights over the tail of training (Izmailov et al. 2018, "Averaging Weights ...")."""

import torch
from torch import Tensor, nn


class TailAverage:
    """Sums parameters and float buffers step by step; the mean replaces the weights at the end."""

    def __init__(self, module: nn.Module) -> None:
        self._live = [tensor for tensor in module.state_dict(keep_vars=True).values() if tensor.is_floating_point()]
        self._sum: list[Tensor] | None = None
        self._count = 0

    @torch.no_grad()
    def add(self) -> None:
        """Take the present weights into the mean."""
        if self._sum is None:
            self._sum = [tensor.detach().clone() for tensor in self._live]
        else:
            torch._foreach_add_(self._sum, [tensor.detach() for tensor in self._live])
        self._count += 1

    @torch.no_grad()
    def apply(self) -> None:
        """Put the mean into the module; nothing happens where nothing was added."""
        if self._sum is not None:
            for tensor, total in zip(self._live, self._sum, strict=True):
                tensor.copy_(total / self._count)
