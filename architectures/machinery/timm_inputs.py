"""What a backbone of timm sees: pictures scaled as its published weights were trained, whoever starts from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.models import get_pretrained_cfg
from torch import Tensor, nn


@dataclass(frozen=True)
class InputScaling:
    """A forward pre-hook: pictures that have ImageNet's mean and spread get those that the weights know.

    A hook has no weights and no name, so that a state dict of the network is timm's own.

    Attributes:
        factor, offset: by channel; new = old x factor + offset.
    """

    factor: tuple[float, ...]
    offset: tuple[float, ...]

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Scale the one input, float (B, channels, side, side)."""
        del module
        pictures, *others = inputs
        factor, offset = (pictures.new_tensor(each)[:, None, None] for each in (self.factor, self.offset))
        return (pictures * factor + offset, *others)


def input_scaling(name: str, channels: int) -> InputScaling | None:
    """How a backbone wants its pictures scaled anew; None where it wants them as they come.

    Grey pictures have the mean and the spread that the three colours have on average.
    """
    known = get_pretrained_cfg(name)
    if known is None or (tuple(known.mean), tuple(known.std)) == (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD):
        return None
    had = _by_channel(IMAGENET_DEFAULT_MEAN, channels), _by_channel(IMAGENET_DEFAULT_STD, channels)
    wanted = _by_channel(known.mean, channels), _by_channel(known.std, channels)
    factor = tuple(old / new for old, new in zip(had[1], wanted[1], strict=True))
    offset = tuple((old - new) / spread for old, new, spread in zip(had[0], wanted[0], wanted[1], strict=True))
    return InputScaling(factor, offset)


def scale_inputs(module: nn.Module, name: str, channels: int) -> None:
    """Let a backbone, or what is built around it, see its pictures so."""
    scaling: Any = input_scaling(name, channels)
    if scaling is not None:
        module.register_forward_pre_hook(scaling)


def _by_channel(values: Sequence[float], channels: int) -> tuple[float, ...]:
    return tuple(values) if channels == len(values) else (sum(values) / len(values),) * channels
