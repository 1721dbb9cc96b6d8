"""A heatmap head on any timm backbone that hands out its intermediate maps."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from architectures.blocks import MapHead, conv_bn_relu
from architectures.machinery.errors import ArchitectureError
from architectures.machinery.registry import Dimensions
from architectures.machinery.timm_fitting import create, plain_reason, size_arguments

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


def feature_maps(name: str, arguments: Mapping[str, Any], data: Dimensions) -> nn.Module:
    """A backbone that hands out its maps of the strides that are used.

    timm's getter leaves out the stages behind them; a model that has none is taken as it is.
    """
    try:
        wanted = {"features_only": True, "out_indices": _levels(name, data), **arguments}
        try:
            return create(name, feature_cls="getter", **wanted)
        except Exception:  # whatever a third party's model raises
            return create(name, **wanted)
    except (RuntimeError, AttributeError, AssertionError) as error:
        raise ArchitectureError(f"head 'heatmap': this backbone hands out no maps ({plain_reason(error)})") from error


@lru_cache(maxsize=4096)
def idle_parameters(name: str, data: Dimensions) -> tuple[str, ...]:
    """What only the stages behind the maps of a heatmap head would use, by name; found out on the meta device."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        fitting = {"in_chans": data.channels, **size_arguments(name, data)}
        module = TimmHeatmap(feature_maps(name, fitting, data), data)
        module(torch.empty(2, data.channels, data.side_px, data.side_px)).sum().backward()
    return tuple(name for name, parameter in module.named_parameters() if parameter.grad is None)


@lru_cache(maxsize=4096)
def _levels(name: str, data: Dimensions) -> tuple[int, ...]:
    """Which of a backbone's maps have a stride that is used, as timm counts them."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        info: Any = create(name, features_only=True, in_chans=data.channels, **size_arguments(name, data)).feature_info
    strides = info.reduction()
    levels = tuple(level for level, stride in zip(info.out_indices, strides, strict=True) if stride in STRIDES)
    if not levels:
        raise ArchitectureError(
            f"head 'heatmap' needs maps of stride {STRIDES.start} to {STRIDES.stop - 1}; this backbone has {strides}"
        )
    return levels
