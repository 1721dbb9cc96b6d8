"""The custom residual CNN: a strided stem, residual stages sized for 96x96 faces, positions read off maps."""

from torch import nn

from architectures.blocks import MapHead, check_range, residual_trunk
from architectures.machinery.registry import register


@register(
    "resnet_custom",
    summary="residual stages at 24x24 and 12x12 behind a strided stem, decoded by soft-argmax",
    source="He et al., Deep Residual Learning, CVPR 2016; Sun et al., Integral Human Pose Regression, ECCV 2018",
    # Five folds of the YouTube Faces frames, 20 epochs: 1.788 px at lr 0.03, 1.806 at 0.02, 1.802 at 0.05; with small
    # pictures first 1.824, for 0.61 of the work. AdamW reaches 1.83 px in 40 epochs (lr 0.012).
    recipe={"optimiser": "muon", "lr": 0.03, "epochs": 20, "growing_fraction": 0.6},
    accurate={"epochs": 80},  # 1.746 px
    space={
        "width": {"type": "int", "low": 16, "high": 64, "step": 8},
        "blocks": {"type": "int", "low": 1, "high": 4},
    },
)
def resnet_custom(
    *, width: int = 32, blocks: int = 2, keypoints: int = 15, side_px: int = 96, channels: int = 1
) -> nn.Module:
    """A 3x3 stride-2 stem, then two stages of basic blocks, each halving the picture (96 to 12 cells).

    Args:
        width: channels of the first stage, 4 to 256; the stem has half as many.
        blocks: basic blocks per stage, 1 to 8.
        keypoints, side_px, channels: of the data; a frame of 16 pixels leaves two cells.

    Raises:
        ValueError: an option out of its range.
    """
    check_range("width", width, 4, 256)
    check_range("blocks", blocks, 1, 8)
    check_range("side_px", side_px, 16, 1024)
    return nn.Sequential(*residual_trunk(channels, width, blocks), MapHead(2 * width, keypoints))
