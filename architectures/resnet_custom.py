"""The custom residual CNN: a strided stem and residual stages sized for 96x96 faces."""

from torch import nn

from architectures.blocks import MapHead, RegressionHead, ResidualBlock, check_range, conv_bn_relu
from architectures.registry import register


@register(
    "resnet_custom",
    summary="residual stages at 24x24, 12x12 and 6x6 behind a strided stem",
    source="He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
    space={
        "width": {"type": "int", "low": 24, "high": 64, "step": 8},
        "blocks": {"type": "int", "low": 1, "high": 3},
        "dropout": {"type": "float", "low": 0.0, "high": 0.5},
    },
)
def resnet_custom(
    *, width: int = 32, blocks: int = 2, stages: int = 3, dropout: float = 0.0, head: str = "flat"
) -> nn.Module:
    """A 3x3 stride-2 stem, then ``stages`` stages of ``blocks`` basic blocks, each halving the picture."""
    check_range("width", width, 4, 256)
    check_range("blocks", blocks, 1, 8)
    check_range("dropout", dropout, 0, 0.9)
    layers: list[nn.Module] = [conv_bn_relu(1, width // 2, stride=2)]
    channels = width // 2
    for stage in range(stages):
        outputs = width * 2**stage
        layers += [ResidualBlock(channels, outputs, 2), *(ResidualBlock(outputs, outputs) for _ in range(blocks - 1))]
        channels = outputs
    last = RegressionHead(channels, 48 // 2**stages, dropout) if head == "flat" else MapHead(channels)
    return nn.Sequential(*layers, last)
