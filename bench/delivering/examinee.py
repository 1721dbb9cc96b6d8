"""What the contract is checked on: an architecture, built once, with pictures and faces to try it with."""

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

import architectures
from bench.config.loading import checked_table
from bench.config.recipe import Recipe
from bench.errors import ConfigError
from bench.faces.face_set import FaceSet
from bench.faces.synthetic import synthetic_faces
from bench.scheme import LEAST_SIDE_PX, MOST_SIDE_PX, SEED_SCHEME, Scheme, scheme_of_names

if TYPE_CHECKING:
    from torch import Tensor, nn

FACES = 200
PEOPLE = 40


class BrokenContract(AssertionError):  # noqa: N818  (an assertion, so that pytest shows it as a failure)
    """A check failed; the text says what was expected and what was found."""


class Examinee:
    """The architecture under check; its untrained module is built once, and copied where a check changes it.

    Attributes:
        model: as the user typed it.
        scheme: the points and pictures that it is checked for.
    """

    def __init__(self, model: str, scheme: Scheme = SEED_SCHEME) -> None:
        self.model = model
        self.scheme = scheme

    @cached_property
    def architecture(self) -> architectures.Architecture:
        """The registry's entry."""
        return architectures.get(self.model)

    @cached_property
    def module(self) -> "nn.Module":
        """The untrained module."""
        return self.build(seed=0)

    def build(self, seed: int) -> "nn.Module":
        """A fresh module, its weights drawn from ``seed``."""
        import torch

        torch.manual_seed(seed)
        return self.architecture.build(**self.scheme.dimensions)

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that a run would train it with."""
        return checked_table(Recipe, self.architecture.recipe, "recipe", f"model {self.model}").for_scheme(self.scheme)

    @cached_property
    def faces(self) -> FaceSet:
        """The synthetic faces to train on."""
        return drawn_for(self.scheme)

    def pictures(self, rows: int) -> "Tensor":
        """Random inputs, float32 (rows, C, side, side), zero mean and unit spread, the same in each call."""
        import torch

        scheme = self.scheme
        generator = torch.Generator().manual_seed(1)
        return torch.randn(rows, scheme.channels, scheme.side_px, scheme.side_px, generator=generator)

    def answer(self, module: "nn.Module", rows: int) -> "Tensor":
        """What a module says about :meth:`pictures` in eval mode."""
        import torch

        with torch.inference_mode():
            answer: Tensor = module.eval()(self.pictures(rows))
        return answer


def scheme_of_size(keypoints: int, side_px: int, channels: Literal[1, 3]) -> Scheme:
    """A scheme to check a network for: the usual points where there are fifteen, else numbered ones.

    Raises:
        ConfigError: a side that no frame may have.
    """
    if not LEAST_SIDE_PX <= side_px <= MOST_SIDE_PX:
        raise ConfigError(f"--side {side_px}: a frame has {LEAST_SIDE_PX} to {MOST_SIDE_PX} pixels")
    usual = keypoints == SEED_SCHEME.keypoints
    names = SEED_SCHEME.names if usual else tuple(f"point_{number}" for number in range(1, keypoints + 1))
    return scheme_of_names(names, side_px, channels)


def drawn_for(scheme: Scheme) -> FaceSet:
    """Synthetic faces brought to a scheme: scaled, grey in every channel, and with K points along the usual fifteen."""
    drawn = synthetic_faces(rows=FACES, people=PEOPLE, seed=0)
    if scheme == drawn.scheme:
        return drawn
    normalised = drawn.scheme.to_normalised(_points_along(drawn.keypoints, scheme.keypoints))
    images = np.stack([_scaled(image, scheme) for image in drawn.images])
    return replace(drawn, images=images, keypoints=scheme.to_pixels(normalised).astype(np.float32), scheme=scheme)


def _points_along(points: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """``count`` points at even steps along the row of points (N, K, 2), between neighbours where a step falls there."""
    places = np.linspace(0, points.shape[1] - 1, count)
    before = np.minimum(places.astype(np.int64), points.shape[1] - 2)
    share = (places - before)[:, None]
    return np.asarray(points[:, before] * (1 - share) + points[:, before + 1] * share)


def _scaled(image: NDArray[np.uint8], scheme: Scheme) -> NDArray[np.uint8]:
    from PIL import Image

    picture = Image.fromarray(image).resize((scheme.side_px, scheme.side_px), Image.Resampling.BILINEAR)
    return np.asarray(picture if scheme.channels == 1 else picture.convert("RGB"))
