"""Layers that several architectures share: convolutions, residual blocks and the heads."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv_bn_relu(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Convolution without bias, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class ResidualBlock(nn.Module):
    """The basic block of He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016), figure 2.

    The last norm starts at zero, so that each block begins as the identity (Goyal et al. 2017, section 5.1); a block
    that halves the picture takes the mean of 2x2 pixels on its short path (He et al. 2019, "Bag of Tricks", figure 2c).
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = conv_bn_relu(inputs, outputs, stride)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        nn.init.zeros_(self.norm.weight)
        self.short = nn.Sequential()
        if stride > 1:
            # An odd map halves upwards, as it does in the convolution.
            self.short.append(nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False))
        if inputs != outputs:
            self.short.append(nn.Conv2d(inputs, outputs, 1, bias=False))
            self.short.append(nn.BatchNorm2d(outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride), rounded up."""
        return F.relu(self.norm(self.second(self.first(inputs))) + self.short(inputs))


def residual_stage(inputs: int, outputs: int, blocks: int) -> list[ResidualBlock]:
    """``blocks`` residual blocks, the first of which halves the picture."""
    return [ResidualBlock(inputs, outputs, 2), *(ResidualBlock(outputs, outputs) for _ in range(blocks - 1))]


def residual_trunk(channels: int, width: int, blocks: int) -> list[nn.Module]:
    """A 3x3 stride-2 stem and two residual stages: (B, channels, side, side) -> (B, 2 width, side / 8, side / 8)."""
    stem = conv_bn_relu(channels, width // 2, stride=2)
    return [stem, *residual_stage(width // 2, width, blocks), *residual_stage(width, 2 * width, blocks)]


class RegressionHead(nn.Module):
    """All positions of the last map, flattened, then one linear layer to the coordinates.

    Pooling over positions would throw away what is asked for; the weights start small, so that the first answers lie
    near the frame's centre.
    """

    def __init__(self, channels: int, side: int, keypoints: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels * side * side, 2 * keypoints)
        # Not drawn from a normal distribution: on the meta device that alone loads torch's compiler.
        nn.init.uniform_(self.linear.weight, -2e-3, 2e-3)
        nn.init.zeros_(self.linear.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, channels, side, side) -> (B, 2 keypoints) normalised coordinates."""
        # Channels last, as networks are trained: flattened in their own order, gradients come back in it too.
        return self.linear(self.dropout(inputs.permute(0, 2, 3, 1).flatten(1)))  # type: ignore[no-any-return]


def soft_argmax(maps: Tensor, extent: float = 1.0) -> Tensor:
    """Expected position under the softmax of each map (Sun et al., "Integral Human Pose Regression", ECCV 2018, eq. 2).

    Args:
        maps: (B, K, H, W) scores; computed in float32 whatever they come in.
        extent: the maps cover [-extent, extent] of the normalised frame. A map that ends with the frame cannot
            put its mean on the border, since half of the mass is missing there; one that reaches beyond can.

    Returns:
        (B, 2 K), x0, y0, x1, y1, ... normalised.
    """
    batch, points, height, width = maps.shape
    weights = maps.float().flatten(2).softmax(-1).reshape(batch, points, height, width)
    x = weights.sum(2) @ cell_centres(width, extent, maps)
    y = weights.sum(3) @ cell_centres(height, extent, maps)
    return torch.stack([x, y], -1).flatten(1)


def cell_centres(cells: int, extent: float, like: Tensor) -> Tensor:
    """Normalised positions of the centres of ``cells`` equal cells over [-extent, extent]."""
    edges = torch.arange(cells, device=like.device, dtype=torch.float32)
    return (2 * edges + 1 - cells) * (extent / cells)


class MapHead(nn.Module):
    """One score map per keypoint over the frame and a margin around it, decoded by :func:`soft_argmax`.

    The margin lets a point on the border have mass on both of its sides: without it the mean of a map could never
    reach the border. Features are repeated outwards to fill it.
    """

    def __init__(self, channels: int, keypoints: int, margin: int = 3) -> None:
        super().__init__()
        self.margin = margin
        self.maps = nn.Conv2d(channels, keypoints, 3, padding=1)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, channels, H, W) features of the whole frame -> (B, 2 keypoints) normalised coordinates."""
        cells = inputs.shape[-1]
        wider = repeated_outwards(inputs, self.margin)
        return soft_argmax(self.maps(wider), extent=(cells + 2 * self.margin) / cells)


def repeated_outwards(maps: Tensor, margin: int) -> Tensor:
    """(B, C, H, W) -> (B, C, H + 2 margin, W + 2 margin), the outermost cells repeated."""
    if not maps.is_cuda:
        # Autocast would pad in float32 for nothing; it has no word for meta.
        with torch.autocast("cpu" if maps.is_meta else maps.device.type, enabled=False):
            return F.pad(maps, [margin] * 4, mode="replicate")
    # There the gradient of a padding adds in another order each time, and this costs nothing.
    for side in (3, 2):
        first, last = maps.narrow(side, 0, 1), maps.narrow(side, maps.shape[side] - 1, 1)
        maps = torch.cat([first] * margin + [maps] + [last] * margin, side)
    return maps


def halved(side: int, times: int) -> int:
    """Side of what convolutions of stride 2 leave of a square map: half of it, rounded up, ``times`` over."""
    return -(-side // (1 << times))


def check_range(option: str, value: float, low: float, high: float) -> None:
    """Refuse an option out of range.

    Raises:
        ValueError: names the option, the value and the range.
    """
    if not low <= value <= high:
        raise ValueError(f"{option} is {value}, expected {low} to {high}")
