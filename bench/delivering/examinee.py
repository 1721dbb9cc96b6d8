"""What the contract is checked on: an architecture, built once, with pictures and faces to try it with."""

from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

import architectures
from bench.config.loading import checked_table
from bench.config.recipe import Recipe
from bench.faces.face_set import FaceSet
from bench.faces.synthetic import synthetic_faces
from bench.scheme import SEED_SCHEME, Scheme

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
    def module(self) -> nn.Module:
        """The untrained module."""
        return self.build(seed=0)

    def build(self, seed: int) -> nn.Module:
        """A fresh module, its weights drawn from ``seed``."""
        torch.manual_seed(seed)
        return self.architecture.build(**self.scheme.dimensions)

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that a run would train it with."""
        return checked_table(Recipe, self.architecture.recipe, "recipe", f"model {self.model}").for_scheme(self.scheme)

    @cached_property
    def faces(self) -> FaceSet:
        """Synthetic faces brought to the scheme: scaled, grey in every channel, K points along the usual fifteen."""
        drawn, scheme = synthetic_faces(rows=FACES, people=PEOPLE, seed=0), self.scheme
        if scheme == drawn.scheme:
            return drawn
        normalised = drawn.scheme.to_normalised(_points_along(drawn.keypoints, scheme.keypoints))
        images = np.stack([_scaled(image, scheme) for image in drawn.images])
        return replace(drawn, images=images, keypoints=scheme.to_pixels(normalised).astype(np.float32), scheme=scheme)

    def pictures(self, rows: int) -> Tensor:
        """Random inputs, float32 (rows, C, side, side), zero mean and unit spread, the same in each call."""
        scheme = self.scheme
        generator = torch.Generator().manual_seed(1)
        return torch.randn(rows, scheme.channels, scheme.side_px, scheme.side_px, generator=generator)

    def answer(self, module: nn.Module, rows: int) -> Tensor:
        """What a module says about :meth:`pictures` in eval mode."""
        with torch.inference_mode():
            answer: Tensor = module.eval()(self.pictures(rows))
        return answer


def _points_along(points: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """``count`` points at even steps along the row of points (N, K, 2), between neighbours where a step falls there."""
    places = np.linspace(0, points.shape[1] - 1, count)
    before = np.minimum(places.astype(np.int64), points.shape[1] - 2)
    share = (places - before)[:, None]
    return np.asarray(points[:, before] * (1 - share) + points[:, before + 1] * share)


def _scaled(image: NDArray[np.uint8], scheme: Scheme) -> NDArray[np.uint8]:
    picture = Image.fromarray(image).resize((scheme.side_px, scheme.side_px), Image.Resampling.BILINEAR)
    return np.asarray(picture if scheme.channels == 1 else picture.convert("RGB"))
