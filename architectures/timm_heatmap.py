"""A heatmap head on any timm backbone that hands out its intermediate maps."""

from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor, nn

from architectures.blocks import MapHead, conv_bn_relu
from architectures.machinery.registry import Dimensions

CELL_PX = 4
"""Pixels of the frame to a cell of the maps that are decoded."""

WIDTH = 64
COARSEST_STRIDE = 16
"""At 96x96 a map of stride 32 has 3x3 cells, most of which see the border."""


class TimmHeatmap(nn.Module):
    """Maps of stride 4 to 16 are brought to one width, summed top-down and decoded by soft-argmax.

    Lin et al., "Feature Pyramid Networks for Object Detection" (CVPR 2017), section 3, with one output level.
    """

    def __init__(self, backbone: nn.Module, data: Dimensions) -> None:
        super().__init__()
        self.cells = -(-data.side_px // CELL_PX)
        info: Any = backbone.feature_info
        strides: list[int] = info.reduction()
        channels: list[int] = info.channels()
        self.chosen = [level for level, stride in enumerate(strides) if 4 <= stride <= COARSEST_STRIDE]
        self.channels = [channels[level] for level in self.chosen]
        if not self.chosen:
            raise ValueError(f"head 'heatmap' needs maps of stride 4 to {COARSEST_STRIDE}; this backbone has {strides}")
        self.backbone = backbone
        self.lateral = nn.ModuleList(nn.Conv2d(count, WIDTH, 1) for count in self.channels)
        self.smooth = conv_bn_relu(WIDTH, WIDTH)
        self.head = MapHead(WIDTH, data.keypoints)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, channels, side, side) -> (B, 2 keypoints) normalised coordinates."""
        maps = self.backbone(inputs)
        total: Tensor | None = None
        for level, count, lateral in reversed(list(zip(self.chosen, self.channels, self.lateral, strict=True))):
            features = maps[level]
            if features.shape[1] != count:  # some transformers hand out (B, H, W, C)
                features = features.permute(0, 3, 1, 2)
            projected = lateral(features)
            total = projected if total is None else projected + _to_size(total, projected.shape[-1])
        assert total is not None
        return cast("Tensor", self.head(self.smooth(_to_size(total, self.cells))))


def _to_size(maps: Tensor, side: int) -> Tensor:
    return maps if maps.shape[-1] == side else F.interpolate(maps, size=(side, side), mode="bilinear")
