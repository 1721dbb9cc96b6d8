"""Coordinate classification: each axis of a keypoint is a distribution over bins finer than a pixel."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from architectures.blocks import cell_centres, check_range, halved, residual_trunk
from architectures.machinery.registry import Dimensions, register

MARGIN_PX = 12
"""The bins reach this far beyond the frame, so that a label on the border keeps both halves of its Gaussian."""


class SimCC(nn.Module):
    """Residual stages down to 12x12 (of 96), one feature map per keypoint, one linear classifier per axis.

    After Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation" (ECCV 2022),
    section 3: the classifiers are shared by all keypoints, the labels smoothed by a Gaussian. Two departures. The
    answer is the mean of the distribution, not its largest bin, which could not be finer than a bin. And the bins go
    beyond the frame, without which that mean could not reach the border.

    Attributes:
        bins: of one axis.
        extent: the bins cover [-extent, extent] of the normalised frame.
        sigma: spread of the labels, normalised.
    """

    def __init__(self, width: int, blocks: int, bins_per_px: int, sigma_px: float, data: Dimensions) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *residual_trunk(data.channels, width, blocks), nn.Conv2d(2 * width, data.keypoints, 1)
        )
        reach_px, cells = data.side_px + 2 * MARGIN_PX, halved(data.side_px, 3) ** 2
        self.bins = reach_px * bins_per_px
        self.extent = reach_px / data.side_px
        self.sigma = 2 * sigma_px / data.side_px
        self.across = nn.Linear(cells, self.bins)
        self.down = nn.Linear(cells, self.bins)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, channels, side, side) -> (B, 2 keypoints) normalised coordinates."""
        return mean_position(self.scores(pictures), self.extent).flatten(1)

    def scores(self, pictures: Tensor) -> Tensor:
        """(B, channels, side, side) -> (B, 2 keypoints, bins) scores in float32, in the order x0, y0, x1, y1, ..."""
        points = self.features(pictures).flatten(2)
        return torch.stack([self.across(points), self.down(points)], 2).flatten(1, 2).float()

    def training_loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy to Gaussian labels (section 3.2 there; the divergence it names, but for a constant), in nats.

        Args:
            inputs: (B, channels, side, side).
            targets: (B, 2 keypoints) normalised, NaN = not labelled. A point that augmentation has pushed beyond the
                last bin teaches nothing either: its class does not exist.

        Returns:
            The mean over the coordinates that teach; zero where there is none.
        """
        teaches = targets.abs() < self.extent  # false for NaN
        scores = self.scores(inputs)
        known = torch.where(teaches, targets, torch.zeros_like(targets))
        labels = gaussian_labels(known, self.bins, self.sigma, self.extent)
        each = -(labels * F.log_softmax(scores, -1)).sum(-1)
        return (each * teaches).sum() / teaches.sum().clamp(min=1)


def gaussian_labels(positions: Tensor, bins: int, sigma: float, extent: float) -> Tensor:
    """(B, P) normalised positions -> (B, P, bins) probabilities around them; ``sigma`` is normalised too."""
    distances = cell_centres(bins, extent, positions) - positions.float().unsqueeze(-1)
    return (-(distances**2) / (2 * sigma**2)).softmax(-1)


def mean_position(scores: Tensor, extent: float) -> Tensor:
    """(B, P, bins) scores -> (B, P) means of their softmax over [-extent, extent], normalised."""
    return scores.softmax(-1) @ cell_centres(scores.shape[-1], extent, scores)


@register(
    "simcc",
    summary="residual stages, then one classifier per axis over half-pixel bins",
    family="classification",
    source="Li et al., SimCC, ECCV 2022",
    # Five folds of the YouTube Faces frames: 1.734 px, and 1.730 in 40 epochs at lr 0.02; AdamW takes 40 to 1.779.
    recipe={"loss": "own", "optimiser": "muon", "lr": 0.01, "epochs": 20},
    space={
        "width": {"type": "int", "low": 16, "high": 64, "step": 8},
        "blocks": {"type": "int", "low": 1, "high": 4},
        "sigma_px": {"type": "float", "low": 0.5, "high": 4.0, "log": True},
    },
)
def simcc(
    *, width: int = 32, blocks: int = 2, bins_per_px: int = 2, sigma_px: float = 2.0, **dimensions: int
) -> nn.Module:
    """The backbone of ``resnet_custom`` under a coordinate-classification head.

    Args:
        width: channels of the first stage, 4 to 256; the stem has half as many.
        blocks: basic blocks per stage, 1 to 8.
        bins_per_px: bins per pixel (the paper's splitting factor k), 1 to 8.
        sigma_px: spread of the labels in pixels, 0.5 to 4: the margin of 12 pixels must hold three of them.
        dimensions: of the data.

    Raises:
        ValueError: an option out of its range.
    """
    check_range("width", width, 4, 256)
    check_range("blocks", blocks, 1, 8)
    check_range("bins_per_px", bins_per_px, 1, 8)
    check_range("sigma_px", sigma_px, 0.5, 4)
    return SimCC(width, blocks, bins_per_px, sigma_px, Dimensions(**dimensions))
