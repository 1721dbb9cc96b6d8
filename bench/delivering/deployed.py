"""A trained network as it leaves the harness: grey pictures in, pixel coordinates out, nothing else needed."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bench.faces.keypoints import KEYPOINTS, MIRROR, to_pixels
from bench.training.inputs import to_input

if TYPE_CHECKING:
    from bench.delivering.trained import Trained

INPUT_NAME = "pictures"
OUTPUT_NAME = "keypoints_px"
INPUT_CONVENTION = "float32 (batch, 1, 96, 96), grey 0 to 255, rows from top to bottom"
OUTPUT_CONVENTION = "float32 (batch, 15, 2), x then y in pixels of the 96x96 frame, pixel centres at integers"


class Deployed(nn.Module):
    """Scaling, network, flip averaging where the recipe asks for it, and pixels: one module of plain tensors."""

    mirror: Tensor
    sign: Tensor

    def __init__(self, network: nn.Module, *, flip: bool) -> None:
        super().__init__()
        self.network = network
        self.flip = flip
        self.register_buffer("mirror", torch.tensor(MIRROR), persistent=False)
        self.register_buffer("sign", torch.tensor([-1.0, 1.0]), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """float32 (B, 1, 96, 96), grey 0-255 -> float32 (B, 15, 2) in pixels of the frame."""
        inputs = to_input(pictures[:, 0])
        points: Tensor = self.network(inputs).float().reshape(-1, KEYPOINTS, 2)
        if self.flip:
            mirrored = self.network(inputs.flip(-1)).float().reshape(-1, KEYPOINTS, 2)
            points = (points + mirrored.index_select(1, self.mirror) * self.sign) / 2
        return to_pixels(points)


def deploy(trained: "Trained") -> Deployed:
    """The deliverable form of a trained network, in eval mode."""
    deployed = Deployed(trained.module, flip=trained.recipe.test_time_flip)
    deployed.eval()
    return deployed
