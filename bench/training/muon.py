"""Muon: momentum whose matrices are made orthogonal before they are taken as a step.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024, kellerjordan.github.io/posts/muon), with
the step size of Liu et al., "Muon is Scalable for LLM Training" (2025, eq. 4), by which a learning rate means what it
means to AdamW.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration: they bring singular values near 1 fast, and not exactly to it."""

STEP_RMS = 0.2
"""Root mean square of a step of learning rate 1, about that of AdamW."""

Layer = nn.Conv2d | nn.Linear


@dataclass(frozen=True)
class Weight:
    """A weight that is stepped as matrices: one, or one for each group of a convolution."""

    parameter: nn.Parameter
    groups: int

    def matrices(self, values: Tensor) -> Tensor:
        """The weight, or what has its shape -> (groups, outputs per group, inputs per group)."""
        # Inputs last, as networks are trained: a view of the memory.
        rows = values.movedim(1, -1) if values.ndim == 4 else values
        return rows.reshape(self.groups, len(values) // self.groups, -1)

    def shaped(self, matrices: Tensor) -> Tensor:
        """The reverse of :meth:`matrices`."""
        shape = self.parameter.shape
        if len(shape) == 2:
            return matrices.reshape(shape)
        return matrices.reshape(shape[0], shape[2], shape[3], shape[1]).movedim(-1, 1)


@dataclass
class MuonGroup:
    """Weights that share a weight decay and a factor on the learning rate, with their momentum.

    Attributes:
        precision: of the iteration's products; a step needs few digits.
    """

    weight_decay: float
    lr_scale: float
    precision: torch.dtype
    weights: list[Weight] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._momentum: dict[nn.Parameter, Tensor] = {}

    @torch.no_grad()
    def step(self, lr: float | Tensor) -> None:
        """Move every weight that has a gradient; matrices of one shape go through the iteration together."""
        alike: dict[torch.Size, list[tuple[Weight, Tensor]]] = defaultdict(list)
        for weight in self.weights:
            if weight.parameter.grad is not None:
                direction = weight.matrices(self._direction(weight.parameter, weight.parameter.grad))
                alike[direction.shape[1:]].append((weight, direction))
        for shape, pairs in alike.items():
            steps = orthogonal(torch.cat([direction for _, direction in pairs]).to(self.precision))
            size = lr * self.lr_scale * STEP_RMS * max(shape) ** 0.5
            for (weight, _), step in zip(pairs, torch.split(steps, [one.groups for one, _ in pairs]), strict=True):
                weight.parameter.mul_(1 - lr * self.lr_scale * self.weight_decay)
                weight.parameter.sub_(weight.shaped(step).to(weight.parameter.dtype) * size)

    def _direction(self, parameter: nn.Parameter, gradient: Tensor) -> Tensor:
        """Nesterov's momentum; its length is of no account."""
        if parameter not in self._momentum:
            self._momentum[parameter] = torch.zeros_like(gradient)
        momentum = self._momentum[parameter].mul_(MOMENTUM).add_(gradient)
        return gradient.add(momentum, alpha=MOMENTUM)


def orthogonal(matrices: Tensor) -> Tensor:
    """(n, rows, columns) -> the same shape, singular values near 1: five Newton-Schulz steps of order five."""
    first, third, fifth = COEFFICIENTS
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT
    wide = wide / (torch.linalg.matrix_norm(wide, keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        square = wide @ wide.mT
        wide = torch.baddbmm(wide, torch.baddbmm(square, square, square, beta=third, alpha=fifth), wide, beta=first)
    return wide if matrices.shape[1] <= matrices.shape[2] else wide.mT


def hidden_weights(module: nn.Module) -> Iterable[Weight]:
    """The weights of convolutions and linear layers between the first and the last one, which AdamW steps better.

    Nor are depthwise convolutions among them: their channels have nothing to do with each other.
    """
    layers = [layer for layer in module.modules() if isinstance(layer, Layer) and layer.weight.requires_grad]
    for layer in layers[1:-1]:
        groups = layer.groups if isinstance(layer, nn.Conv2d) else 1
        if groups == 1 or layer.weight.shape[1] > 1:
            yield Weight(cast("nn.Parameter", layer.weight), groups)
