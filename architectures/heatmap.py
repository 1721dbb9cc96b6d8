"""Heatmap networks: an encoder-decoder whose maps are decoded by soft-argmax."""

import torch.nn.functional as F
from torch import Tensor, nn

from architectures.blocks import MapHead, ResidualBlock, check_range, conv_bn_relu, residual_stage
from architectures.machinery.registry import Dimensions, register


class HeatmapNet(nn.Module):
    """Residual encoder from 48x48 down to 6x6 (or 3x3), a decoder back up to 24x24, one map per keypoint.

    These are the maps of a frame of 96 pixels; those of other frames are as much larger or smaller.

    The shape is that of Xiao et al., "Simple Baselines for Human Pose Estimation and Tracking" (ECCV 2018), with the
    lateral connections of Newell et al., "Stacked Hourglass Networks" (ECCV 2016), so that fine position and wide
    context meet.
    """

    def __init__(self, width: int, blocks: int, levels: int, data: Dimensions) -> None:
        super().__init__()
        channels = [width * min(2**level, 4) for level in range(levels)]
        self.stem = conv_bn_relu(data.channels, width // 2, stride=2)
        self.encoder = nn.ModuleList(
            nn.Sequential(*residual_stage(inputs, outputs, blocks))
            for inputs, outputs in zip([width // 2, *channels], channels, strict=False)
        )
        self.lateral = nn.ModuleList(conv_bn_relu(inputs, 2 * width, kernel=1) for inputs in channels)
        self.merge = nn.ModuleList(ResidualBlock(2 * width, 2 * width) for _ in channels[1:])
        self.head = MapHead(2 * width, data.keypoints)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, channels, side, side) -> (B, 2 keypoints) normalised coordinates."""
        features = [self.stem(pictures)]
        for stage in self.encoder:
            features.append(stage(features[-1]))
        laterals = [lateral(feature) for lateral, feature in zip(self.lateral, features[1:], strict=True)]
        merged: Tensor = laterals[-1]
        for level in range(len(laterals) - 2, -1, -1):
            finer = laterals[level]  # twice as wide, or one cell less where halving had rounded up
            merged = self.merge[level](finer + F.interpolate(merged, size=finer.shape[-2:], mode="nearest"))
        return self.head(merged)  # type: ignore[no-any-return]


@register(
    "heatmap_net",
    summary="encoder-decoder to 24x24 maps, decoded by soft-argmax",
    family="heatmap",
    source="Xiao et al., Simple Baselines, ECCV 2018; Sun et al., Integral Human Pose Regression, ECCV 2018",
    # Five folds of the YouTube Faces frames: 1.720 px; 1.735 in 40 epochs at lr 0.02 without small pictures. In batches
    # of 16, 1.729 (40 epochs, lr 0.04) to 1.739 (lr 0.01); AdamW takes 80 epochs of those to 1.736.
    recipe={"optimiser": "muon", "lr": 0.03, "epochs": 60, "growing_fraction": 0.6},
    space={
        "width": {"type": "int", "low": 16, "high": 48, "step": 8},
        "blocks": {"type": "int", "low": 1, "high": 3},
        "levels": {"type": "int", "low": 2, "high": 4},
    },
)
def heatmap_net(
    *, width: int = 24, blocks: int = 1, levels: int = 4, keypoints: int = 15, side_px: int = 96, channels: int = 1
) -> nn.Module:
    """The encoder-decoder.

    Args:
        width: channels at 24x24; the decoder has twice as many throughout, 8 to 256.
        blocks: residual blocks per encoder stage, 1 to 8.
        levels: encoder stages; the coarsest map is 24 / 2^(levels - 1) cells wide, 2 to 4.
        keypoints, side_px, channels: of the data; in a frame of 16 pixels the coarsest map is one cell.

    Raises:
        ValueError: an option out of its range.
    """
    check_range("width", width, 8, 256)
    check_range("blocks", blocks, 1, 8)
    check_range("levels", levels, 2, 4)
    check_range("side_px", side_px, 16, 1024)
    return HeatmapNet(width, blocks, levels, Dimensions(keypoints, side_px, channels))
