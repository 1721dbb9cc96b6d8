"""Picture in, points out: the one form in which a network is scored, timed, counted, exported and used."""

import torch
from torch import Tensor, nn

from bench.config.recipe import mirror_of
from bench.scheme import Scheme
from bench.training.inputs import input_scaling
from bench.training.precision import autocast


class Predictor(nn.Module):
    """Scaling of the numbers, network, mean with the mirrored picture where asked for, and pixels.

    A module of plain tensors: it can be exported, and used where nothing else of bench is. Its state dict is the
    network's under ``passes``; nothing of its own is stored.

    Attributes:
        passes: from scaled pictures float (B, C, side, side) to normalised coordinates float (B, 2 K); the network
            itself, or both passes of it, in the precision asked for. This is what 'forward only' times and what costs
            count.
    """

    factor: Tensor
    offset: Tensor

    def __init__(self, network: nn.Module, scheme: Scheme, *, flip: bool, precision: str = "float32") -> None:
        """Wrap a network.

        Args:
            network: float (B, C, side, side) -> (B, 2 K), normalised.
            scheme: the data's frame, channels and points.
            flip: answer with the mean over a picture and its mirror image.
            precision: ``float32``, or ``bfloat16`` (autocast over float32 weights), whatever it was trained in.

        Raises:
            ConfigError: ``flip`` with a scheme that has no mirror.
        """
        super().__init__()
        self.scheme = scheme
        passes = BothViews(network, mirror_of(scheme)) if flip else network
        self.passes = passes if precision == "float32" else Autocast(passes, precision)
        factor, offset = input_scaling(scheme.channels)
        self.register_buffer("factor", factor, persistent=False)
        self.register_buffer("offset", offset, persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """uint8 or float (B, C, side, side), 0-255 -> float32 (B, K, 2) in pixels of the frame."""
        return self.pixels(self.passes(self.scaled(pictures)))

    def pixels(self, points: Tensor) -> Tensor:
        """Normalised coordinates float (B, 2 K) -> float32 (B, K, 2) in pixels of the frame."""
        return self.scheme.to_pixels(points.float().reshape(-1, self.scheme.keypoints, 2))

    def scaled(self, pictures: Tensor) -> Tensor:
        """What the network sees: uint8 or float (B, C, side, side), 0-255 -> float32, the layout in memory kept."""
        return pictures.float().mul(self.factor).sub(self.offset)


class Autocast(nn.Module):
    """A network in another arithmetic than that of its weights."""

    def __init__(self, network: nn.Module, precision: str) -> None:
        super().__init__()
        self.network = network
        self.precision = precision

    def forward(self, inputs: Tensor) -> Tensor:
        """Float (B, C, side, side) -> float32 (B, 2 K), normalised."""
        with autocast(self.precision, inputs.device.type):
            points: Tensor = self.network(inputs)
        return points.float()


class BothViews(nn.Module):
    """The mean of what a network says about a picture and about its mirror image, turned back."""

    mirror: Tensor
    sign: Tensor

    def __init__(self, network: nn.Module, mirror: tuple[int, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mirror", torch.tensor(mirror), persistent=False)
        self.register_buffer("sign", torch.tensor([-1.0, 1.0]), persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Float (B, C, side, side) -> float32 (B, 2 K), normalised."""
        straight = self._points(inputs)
        turned = self._points(inputs.flip(-1)).index_select(1, self.mirror) * self.sign
        return ((straight + turned) / 2).flatten(1)

    def _points(self, inputs: Tensor) -> Tensor:
        answer: Tensor = self.network(inputs)
        points: Tensor = answer.float().unflatten(1, (len(self.mirror), 2))  # type: ignore[no-untyped-call]
        return points
