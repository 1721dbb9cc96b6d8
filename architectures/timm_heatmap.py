"""A heatmap head on any timm backbone that hands out its intermediate maps."""

from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor, nn

from architectures.blocks import MapHead, conv_bn_relu
from architectures.machinery.registry import Dimensions

CELL_PX = 4
"""Pixels of the frame to a cell of the maps that are decoded."""

WIDTH = 64
STRIDES = range(4, 17)
"""Of the maps that are used. At 96x96 one of stride 32 has 3x3 cells, most of which see the border."""


class TimmHeatmap(nn.Module):
    """Maps of stride 4 to 16 are brought to one width, summed top-down and decoded by soft-argmax.

    Lin et al., "Feature Pyramid Networks for Object Detection" (CVPR 2017), section 3, with one output level.
    """

    def __init__(self, backbone: nn.Module, data: Dimensions) -> None:
        super().__init__()
        self.cells = -(-data.side_px // CELL_PX)
        info: Any = backbone.feature_info
        self.channels: list[int] = info.channels()
        self.backbone = backbone
        self.lateral = nn.ModuleList(nn.Conv2d(count, WIDTH, 1) for count in self.channels)
        self.smooth = conv_bn_relu(WIDTH, WIDTH)
        self.head = MapHead(WIDTH, data.keypoints)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, channels, side, side) -> (B, 2 keypoints) normalised coordinates."""
        maps = self.backbone(inputs)
        total: Tensor | None = None
        for features, count, lateral in reversed(list(zip(maps, self.channels, self.lateral, strict=True))):
            if features.shape[1] != count:  # some transformers hand out (B, H, W, C)
                features = features.permute(0, 3, 1, 2)
            projected = lateral(features)
            total = projected if total is None else projected + _to_size(total, projected.shape[-1])
        assert total is not None
        return cast("Tensor", self.head(self.smooth(_to_size(total, self.cells))))


def _to_size(maps: Tensor, side: int) -> Tensor:
    return maps if maps.shape[-1] == side else F.interpolate(maps, size=(side, side), mode="bilinear")
