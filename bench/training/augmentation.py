"""Augmentation of whole batches on the device: one affine resampling, mirror included, then light."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.config.recipe import Recipe
from bench.scheme import Scheme

GREY_CENTRE = 127.5


class Augmenter:
    """Draws from its own generator, so that nothing else in the process can shift its numbers.

    Attributes:
        flips: whether rows may be mirrored: the recipe asks for it, and the points have a mirror.
    """

    def __init__(self, recipe: Recipe, scheme: Scheme, generator: torch.Generator, device: str) -> None:
        self.recipe = recipe
        self.scheme = scheme
        self.generator = generator
        self.device = device
        self.flips = recipe.flip and scheme.mirror is not None
        self.mirror = torch.tensor(scheme.mirror or range(scheme.keypoints), device=device)

    def draw(self, rows: int) -> Tensor:
        """What decides the augmentation of a batch: evenly distributed in [-1, 1), float32 (6, rows), on the CPU."""
        moves = torch.rand(4, rows, generator=self.generator)
        return torch.cat([moves, torch.rand(2, rows, generator=self.generator)]) * 2 - 1

    def __call__(
        self, pictures: Tensor, targets: Tensor, mirrored: Tensor, draws: Tensor, side_px: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Augment a batch.

        Args:
            pictures: float32 (B, C, side, side), 0-255.
            targets: float32 (B, K, 2), normalised, NaN = not labelled.
            mirrored: bool (B,), which rows are mirrored; none where :attr:`flips` is false.
            draws: of :meth:`draw`, on the device.
            side_px: of the new pictures; None = the frame's.

        Returns:
            New pictures and targets; points moved out of the frame keep their true place.
        """
        side_px = side_px or self.scheme.side_px
        if not self._moves and side_px == self.scheme.side_px:
            return self._light(pictures, draws[4:]), targets
        forward, backward = self._affine(draws[:4], mirrored)
        moved = F.grid_sample(
            pictures, self._grid(backward, side_px), mode="bilinear", padding_mode="border", align_corners=False
        )
        points = torch.where(mirrored[:, None, None], targets[:, self.mirror], targets)
        points = points @ forward[:, :, :2].transpose(1, 2) + forward[:, None, :, 2]
        return self._light(moved, draws[4:]), points

    @property
    def _moves(self) -> bool:
        recipe = self.recipe
        return self.flips or recipe.rotation_degrees > 0 or recipe.scale_fraction > 0 or recipe.shift_px > 0

    def _affine(self, draws: Tensor, mirrored: Tensor) -> tuple[Tensor, Tensor]:
        """Matrices (B, 2, 3) in normalised coordinates: for points (old -> new) and for the picture (new -> old)."""
        recipe = self.recipe
        angle = draws[0] * math.radians(recipe.rotation_degrees)
        scale = torch.exp(draws[1] * math.log1p(recipe.scale_fraction))
        shift = draws[2:4].T * (recipe.shift_px / (self.scheme.side_px / 2))
        cos, sin = torch.cos(angle), torch.sin(angle)
        sign = torch.where(mirrored, -1.0, 1.0)
        turn = torch.stack([torch.stack([cos * sign, -sin], -1), torch.stack([sin * sign, cos], -1)], -2)
        forward = torch.cat([turn * scale[:, None, None], shift[:, :, None]], -1)
        back = turn.transpose(1, 2) / scale[:, None, None]
        backward = torch.cat([back, -(back @ shift[:, :, None])], -1)
        return forward, backward

    def _grid(self, backward: Tensor, side_px: int) -> Tensor:
        """Sampling positions (B, side_px, side_px, 2) of matrices (B, 2, 3).

        ``affine_grid`` makes the same numbers by a batched matrix product, which takes longer than the resampling. x
        and y are planes of their own: ten times faster than a sum whose innermost length is two.
        """
        centres = (2 * torch.arange(side_px, device=backward.device, dtype=torch.float32) + 1 - side_px) / side_px
        across = centres * backward[:, :, 0, None]
        down = centres * backward[:, :, 1, None] + backward[:, :, 2, None]
        return (across[:, :, None, :] + down[:, :, :, None]).permute(0, 2, 3, 1)

    def _light(self, pictures: Tensor, draws: Tensor) -> Tensor:
        recipe = self.recipe
        if recipe.brightness == 0 and recipe.contrast == 0:
            return pictures
        gain = 1 + draws[0] * recipe.contrast
        offset = draws[1] * (recipe.brightness * 255) + GREY_CENTRE * (1 - gain)
        return torch.addcmul(offset[:, None, None, None], pictures, gain[:, None, None, None])
