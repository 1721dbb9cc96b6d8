"""One fold: a module, its training rows and a recipe in; trained weights and a curve out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.config.recipe import Recipe
from bench.errors import ModelError
from bench.records.schema import CurvePoint
from bench.scheme import Scheme
from bench.training.augmentation import Augmenter
from bench.training.averaging import TailAverage
from bench.training.inputs import Pictures, channels_first, channels_last, resident
from bench.training.losses import masked_loss
from bench.training.optimisation import learning_rate, parameter_groups
from bench.training.precision import attention, autocast, layers_apart, resolve_float32_layers
from bench.training.predictor import Predictor
from bench.training.replay import Replayed
from bench.training.turns import Turns, alone, ready

PREDICT_BATCH = 256


class Diverged(Exception):  # noqa: N818  (a state of training that callers name, not a mistake of theirs)
    """The training loss is no longer a finite number."""


@dataclass(frozen=True)
class Execution:
    """How a fold is executed: nothing that a recipe would choose.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``float32`` or ``bfloat16`` (autocast over float32 weights).
        seed: where shuffling and augmentation start.
        replayed: on CUDA, whether a step is recorded once and replayed: only where the network decides nothing anew
            in Python at each step.
    """

    device: str = "cpu"
    precision: str = "float32"
    seed: int = 0
    replayed: bool = False


@dataclass(frozen=True)
class Examples:
    """What a network learns from.

    Attributes:
        pictures: N of them, as stored.
        keypoints: float32 (N, K, 2) in pixels, NaN = not labelled.
        scheme: what the K points and the pictures' frame are.
    """

    pictures: Pictures
    keypoints: Tensor
    scheme: Scheme


def train(
    module: nn.Module,
    examples: Examples,
    recipe: Recipe,
    execution: Execution,
    on_epoch: Callable[[CurvePoint], None],
) -> list[CurvePoint]:
    """Train in place; the module ends with the weights to predict with, in eval mode.

    Args:
        module: float (B, C, side, side) -> (B, 2 K), normalised, for the examples' scheme.
        examples: pictures and points to learn from.
        recipe: how to train.
        execution: where, and from which seed.
        on_epoch: called after each epoch; what it raises ends the training and passes through.

    Raises:
        Diverged: the mean loss of an epoch is not finite.
        ModelError: the network answers something else than two numbers for each point of each picture.
        ConfigError: the recipe asks for flips at test time, and the scheme has no mirror.
    """
    return alone(training(module, examples, recipe, execution, on_epoch))


def training(
    module: nn.Module,
    examples: Examples,
    recipe: Recipe,
    execution: Execution,
    on_epoch: Callable[[CurvePoint], None],
) -> Turns[list[CurvePoint]]:
    """:func:`train`, with a pause after each step, in which others may train."""
    trainer = Trainer(module, examples, recipe, execution)
    reports = []
    started = time.perf_counter()
    for epoch in range(recipe.epochs):
        loss = yield from trainer.epoch(epoch)
        if not np.isfinite(loss):
            raise Diverged(f"training loss became {loss} in epoch {epoch + 1} of {recipe.epochs}; lower recipe.lr")
        elapsed = time.perf_counter() - started
        rate = trainer.last_learning_rate
        reports.append(CurvePoint(epoch=epoch + 1, train_loss=loss, seconds=elapsed, learning_rate=rate))
        on_epoch(reports[-1])
    trainer.average.apply()
    module.eval()
    return reports


def predict(predictor: Predictor, images: Pictures, device: str = "cpu") -> NDArray[np.float32]:
    """Coordinates of N pictures, as stored -> float32 (N, K, 2) in pixels.

    Raises:
        ModelError: as :func:`train`.
    """
    predictor.eval().to(device)
    parts = []
    with torch.inference_mode():
        for positions in torch.split(torch.arange(len(images)), PREDICT_BATCH):
            pictures = channels_last(channels_first(images[positions].to(device)))
            points = answered(predictor.passes(predictor.scaled(pictures)), len(pictures), predictor.scheme)
            parts.append(predictor.pixels(points).cpu())
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)


def answered(answer: Tensor, pictures: int, scheme: Scheme) -> Tensor:
    """The answer of a network to ``pictures``: (pictures, 2 K). Another shape could broadcast, or be taken for others.

    Raises:
        ModelError: of another shape.
    """
    expected = (pictures, scheme.coordinates)
    if not isinstance(answer, Tensor) or answer.shape != expected:
        found = tuple(answer.shape) if isinstance(answer, Tensor) else f"a {type(answer).__name__}"
        raise ModelError(f"the network answers {found} to {pictures} pictures, expected {expected}")
    return answer


class HasTrainingLoss(Protocol):
    """A network whose loss is part of its idea (a classification over positions, say); its recipe says ``own``."""

    def training_loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Inputs (B, C, side, side), targets (B, 2 K) normalised with NaN = not labelled -> scalar."""
        ...


class Trainer:
    """The state of one training: data on the device, optimiser, generators. :func:`train` is its front door."""

    def __init__(self, module: nn.Module, examples: Examples, recipe: Recipe, execution: Execution) -> None:
        self.recipe = recipe
        self.execution = execution
        self.scheme = examples.scheme
        device = execution.device
        self.module = module.to(device).to(memory_format=torch.channels_last)
        self.module.train()
        self.predictor = Predictor(self.module, self.scheme, flip=recipe.test_time_flip).to(device)
        self.images = resident(examples.pictures, device)
        self.targets = self.scheme.to_normalised(examples.keypoints).to(device)
        layers = resolve_float32_layers(recipe.float32_layers, execution.precision, device)
        self.apart = layers_apart(layers, module)
        self.groups = parameter_groups(module, recipe, execution.precision)
        self.average = TailAverage(module)
        self.generator = torch.Generator().manual_seed(execution.seed)
        self.augment = Augmenter(recipe, self.scheme, self.generator, device)
        torch.manual_seed(execution.seed)  # dropout and the like inside the module
        rows = len(self.images)
        self.batch_size = min(recipe.batch_size, rows)
        self.batches = rows // self.batch_size
        self.steps = recipe.epochs * self.batches
        self.step = 0
        self.last_learning_rate = 0.0
        self.side = torch.rand(rows, generator=self.generator) < 0.5
        self._steps_at: dict[int, Callable[..., Tensor]] = {}

    def epoch(self, epoch: int) -> Turns[float]:
        """One pass over the shuffled rows (a last partial batch waits for the next shuffle); the mean loss."""
        recipe, device = self.recipe, self.execution.device
        drawn = self._drawn(epoch)
        batches = drawn if device == "cpu" else [each.to(device, non_blocking=True) for each in drawn]
        rates = [learning_rate(recipe, self.step + batch, self.steps) for batch in range(self.batches)]
        there: Sequence[float] | Tensor = rates if device == "cpu" else torch.tensor(rates, device=device)
        total = torch.zeros((), device=device)
        learn = self._step_at(recipe.side_px(epoch, self.scheme))
        for batch in range(self.batches):
            total += learn(*(each[batch] for each in batches), there[batch])
            self.step += 1
            if self.step > self.steps * (1 - recipe.average_fraction):
                self.average.add()
            yield
        self.last_learning_rate = rates[-1]
        yield from ready(device)
        return float(total) / self.batches

    def _drawn(self, epoch: int) -> list[Tensor]:
        """Rows int64 (batches, B), which are mirrored bool (batches, B), and the augmentation's draws, of one epoch."""
        size, batches = self.batch_size, self.batches
        rows = torch.randperm(len(self.images), generator=self.generator)[: batches * size]
        # Alternating flip (Jordan 2024, airbench): a row is mirrored in every other epoch, from a random start.
        mirrored = self.side ^ bool(epoch % 2) if self.augment.flips else torch.zeros_like(self.side)
        draws = torch.stack([self.augment.draw(size) for _ in range(batches)])
        return [rows.view(batches, size), mirrored[rows].view(batches, size), draws]

    def _step_at(self, side: int) -> Callable[..., Tensor]:
        """One step of training with pictures of a side, in pixels."""
        if side not in self._steps_at:
            step = partial(self._learn, side)
            self._steps_at[side] = Replayed(step) if self.execution.replayed else step
        return self._steps_at[side]

    def _learn(self, side: int, rows: Tensor, mirrored: Tensor, draws: Tensor, rate: float | Tensor) -> Tensor:
        """Nothing is read back from the device, and nothing differs between two steps but the tensors."""
        pictures = channels_first(self.images[rows]).float()
        pictures, targets = self.augment(pictures, self.targets[rows], mirrored, draws, side)
        loss = self.loss(pictures, targets)
        self.backward(loss)
        self.update(rate)
        return loss.detach()

    def loss(self, pictures: Tensor, targets: Tensor) -> Tensor:
        """The recipe's loss of pictures float32 (B, C, side, side), 0-255, and targets (B, K, 2), normalised."""
        inputs = channels_last(self.predictor.scaled(pictures))
        precision, device = self.execution.precision, self.execution.device
        with autocast(precision, device), attention(precision, device), self.apart:
            if self.recipe.loss == "own":
                own = cast(HasTrainingLoss, self.module)
                return own.training_loss(inputs, targets.flatten(1))
            predicted = answered(self.module(inputs), len(inputs), self.scheme).float()
            target = targets.flatten(1)
            return masked_loss(self.scheme.to_pixels(predicted), self.scheme.to_pixels(target), self.recipe)

    def backward(self, loss: Tensor) -> None:
        """Fresh gradients."""
        self.module.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]

    def update(self, rate: float | Tensor) -> None:
        """One step of the optimiser at a learning rate: a number, or a scalar on the device."""
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.clip_norm)
        for group in self.groups:
            group.step(rate)
