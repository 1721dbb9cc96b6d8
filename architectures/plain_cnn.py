"""A plain CNN: convolutions that halve the picture, then a linear layer."""

from torch import nn

from architectures.blocks import RegressionHead, check_range, conv_bn_relu, halved
from architectures.machinery.registry import register

STAGES = 4


@register(
    "plain_cnn",
    summary="strided 3x3 convolutions with batch norm, flattened into a linear layer",
    # Five folds of the YouTube Faces frames: 2.148 px in 12 epochs, 2.106 in 13, 2.093 in 14, 1.962 in 24, 1.858 in 48;
    # of 12, 2.157 at lr 0.01 and 2.177 at 0.003. AdamW took two thirds more time to 2.128.
    recipe={"optimiser": "muon", "lr": 5e-3, "epochs": 13},
    accurate={"epochs": 48},
    space={
        "width": {"type": "int", "low": 8, "high": 32, "step": 4},
        "depth": {"type": "int", "low": 1, "high": 3},
        "dropout": {"type": "float", "low": 0.0, "high": 0.5},
    },
)
def plain_cnn(
    *,
    width: int = 16,
    depth: int = 1,
    dropout: float = 0.0,
    keypoints: int = 15,
    side_px: int = 96,
    channels: int = 1,
) -> nn.Module:
    """Four stages of ``depth`` convolutions; each stage halves the picture (96 -> 6) and doubles the channels.

    Args:
        width: channels of the first stage, 4 to 256.
        depth: convolutions per stage, 1 to 8.
        dropout: share of the flattened features dropped, 0 to 0.9.
        keypoints, side_px, channels: of the data.

    Raises:
        ValueError: an option out of its range.
    """
    check_range("width", width, 4, 256)
    check_range("depth", depth, 1, 8)
    check_range("dropout", dropout, 0, 0.9)
    layers: list[nn.Module] = []
    for stage in range(STAGES):
        outputs = width * 2**stage
        layers.append(conv_bn_relu(channels, outputs, stride=2))
        # At 48x48 a further convolution costs as much as the whole last stage and gains least.
        layers += [conv_bn_relu(outputs, outputs) for _ in range(depth if stage else 0)]
        channels = outputs
    return nn.Sequential(*layers, RegressionHead(channels, halved(side_px, STAGES), keypoints, dropout))
