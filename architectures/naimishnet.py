"""NaimishNet, the network most often copied for the Kaggle competition on these keypoints."""

from torch import nn

from architectures.machinery.registry import register

CONVOLUTIONS = ((32, 4), (64, 3), (128, 2), (256, 1))
"""Channels and kernel of each; none is padded, so that 96 pixels become 5 after four max-pools."""

HIDDEN = 1000


@register(
    "naimishnet",
    summary="NaimishNet of 2017: four convolutions, three linear layers, dropout rising from 0.1 to 0.6",
    source="Agarwal, Krohn-Grimberghe and Vyas, NaimishNet, arXiv:1710.00977",
    # Adam on squared errors at a constant rate, as in the paper; of our augmentation it gets the mirror alone. A third
    # of the paper's 300 epochs, which end early there.
    recipe={
        "epochs": 100,
        "batch_size": 128,
        "loss": "mse",
        "lr": 1e-3,
        "weight_decay": 0.0,
        "schedule": "constant",
        "warmup_fraction": 0.0,
        "average_fraction": 0.0,
        "rotation_degrees": 0.0,
        "scale_fraction": 0.0,
        "shift_px": 0.0,
        "brightness": 0.0,
        "contrast": 0.0,
    },
)
def naimishnet(*, keypoints: int = 15, side_px: int = 96, channels: int = 1) -> nn.Module:
    """The layers of Agarwal et al., "Facial Key Points Detection using Deep Convolutional Neural Network" (2017).

    Each convolution is followed by ELU, 2x2 max-pool and dropout; then come 1,000 units with ELU, 1,000 linear units
    and the answer. Here the pool comes first, which gives the same numbers (ELU only rises) for a quarter of the work.
    The paper trains fifteen such networks, one per keypoint, on grey values from 0 to 1, and stops early on held-out
    rows; here one network answers all coordinates, as in most of its copies, and no row is held out.

    Args:
        keypoints, side_px, channels: of the data.

    Raises:
        ValueError: a frame of which the unpadded convolutions leave nothing.
    """
    layers: list[nn.Module] = []
    side = side_px
    for stage, (outputs, kernel) in enumerate(CONVOLUTIONS, start=1):
        layers += [nn.Conv2d(channels, outputs, kernel), nn.MaxPool2d(2), nn.ELU(), nn.Dropout(stage / 10)]
        channels, side = outputs, (side - kernel + 1) // 2
    if side < 1:
        raise ValueError(f"side_px is {side_px}, of which its unpadded convolutions leave nothing; expected 27 or more")
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(channels * side * side, HIDDEN),
        nn.ELU(),
        nn.Dropout(0.5),
        nn.Linear(HIDDEN, HIDDEN),
        nn.Dropout(0.6),
        nn.Linear(HIDDEN, 2 * keypoints),
    )
