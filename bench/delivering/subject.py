"""What the contract is checked on: an architecture, built once, with pictures and faces to try it with."""

from functools import cached_property
from typing import TYPE_CHECKING

import architectures
from bench.config.loading import checked_recipe
from bench.config.recipe import Recipe
from bench.faces.face_set import FaceSet
from bench.faces.keypoints import FRAME_PX
from bench.faces.synthetic import synthetic_faces

if TYPE_CHECKING:
    from torch import Tensor, nn

FACES = 200
PEOPLE = 40


class BrokenContract(AssertionError):  # noqa: N818  (an assertion, so that pytest shows it as a failure)
    """A check failed; the text says what was expected and what was found."""


class Subject:
    """The architecture under check; its untrained module is built once, and copied where a check changes it."""

    def __init__(self, model: str) -> None:
        self.model = model

    @cached_property
    def architecture(self) -> architectures.Architecture:
        """The registry's entry."""
        return architectures.get(self.model)

    @cached_property
    def module(self) -> "nn.Module":
        """The untrained module."""
        import torch

        torch.manual_seed(0)
        return self.architecture.build()

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that a run would train it with."""
        return checked_recipe(self.architecture.recipe, f"model {self.model}")

    @cached_property
    def faces(self) -> FaceSet:
        """The synthetic faces to train on."""
        return synthetic_faces(rows=FACES, people=PEOPLE, seed=0)

    def pictures(self, rows: int) -> "Tensor":
        """Random inputs, float32 (rows, 1, 96, 96), zero mean and unit spread, the same in each call."""
        import torch

        return torch.randn(rows, 1, FRAME_PX, FRAME_PX, generator=torch.Generator().manual_seed(1))

    def answer(self, module: "nn.Module", rows: int) -> "Tensor":
        """What a module says about :meth:`pictures` in eval mode."""
        import torch

        with torch.inference_mode():
            answer: Tensor = module.eval()(self.pictures(rows))
        return answer
