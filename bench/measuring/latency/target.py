"""What is timed: a network in a runtime, behind calls that need only the number of the input to take.

Nothing here imports torch at the top: the process that measures ONNX Runtime never loads it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.config.latency import Runtime
from bench.faces.keypoints import FRAME_PX, KEYPOINTS
from bench.scheme import SEED_SCHEME

if TYPE_CHECKING:
    import torch
    from torch import nn

Call = Callable[[int], object]

INPUTS = 8
"""Different batches that the calls take in turn, so that no cache serves the same picture again and again."""


class Series(NamedTuple):
    """One thing to time in one process: pictures per call, and whether from uint8 picture to pixel coordinates."""

    batch: int
    end_to_end: bool


@dataclass(frozen=True)
class TargetPlan:
    """What a measuring process loads.

    Attributes:
        architecture: name in the registry; None = the canary.
        options: builder options.
        runtime, device, memory_format, threads: how it runs.
        onnx_files: where the exported graphs are (forward, end to end), for the ONNX runtime.
    """

    architecture: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    runtime: Runtime = "torch"
    device: str = "cpu"
    memory_format: str = "channels_last"
    threads: int = 1
    onnx_files: tuple[str, str] | None = None


class Target(Protocol):
    """A loaded network."""

    def prepare(self, series: Series) -> Call:
        """A call that runs one batch to its end, whatever device it runs on."""
        ...


def random_pictures(batch: int) -> list[NDArray[np.uint8]]:
    """``INPUTS`` batches of uint8 (batch, 96, 96); always the same ones."""
    generator = np.random.default_rng(batch)
    return [generator.integers(0, 256, (batch, FRAME_PX, FRAME_PX), dtype=np.uint8) for _ in range(INPUTS)]


class TorchTarget:
    """Eager torch in float32 (no TF32), in eval mode, under inference mode."""

    def __init__(self, plan: TargetPlan) -> None:
        import torch

        from bench.training.predictor import Predictor

        torch.set_num_threads(plan.threads)
        self.device = torch.device(plan.device)
        if self.device.type == "cuda":
            torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
            torch.backends.cuda.matmul.fp32_precision = "ieee"
        self.format = torch.channels_last if plan.memory_format == "channels_last" else torch.contiguous_format
        torch.manual_seed(0)
        module = build_canary() if plan.architecture is None else build_module(plan)
        predictor = Predictor(module, SEED_SCHEME, flip=False)
        self.predictor = predictor.eval().to(self.device).to(memory_format=self.format)

    def prepare(self, series: Series) -> Call:
        """See :class:`Target`."""
        import torch

        predictor, synchronise = self.predictor, _synchroniser(self.device)
        if series.end_to_end:
            pictures = [torch.from_numpy(each) for each in random_pictures(series.batch)]

            def call(number: int) -> object:
                with torch.inference_mode():
                    # Reading the numbers back waits for the device by itself.
                    return predictor(self._on_device(pictures[number % INPUTS])).cpu().numpy()

            return call
        inputs = self.inputs(series.batch)

        def forward(number: int) -> object:
            with torch.inference_mode():
                points = predictor.passes(inputs[number % INPUTS])
            synchronise()
            return points

        return forward

    def inputs(self, batch: int) -> "list[torch.Tensor]":
        """What forward calls take in turn: float32 (batch, 1, 96, 96) on the device, in the memory format."""
        import torch

        return [self.predictor.scaled(self._on_device(torch.from_numpy(each))) for each in random_pictures(batch)]

    def _on_device(self, pictures: "torch.Tensor") -> "torch.Tensor":
        from bench.training.inputs import channels_first

        return channels_first(pictures.to(self.device)).contiguous(memory_format=self.format)


def build_canary() -> "nn.Module":
    """The small fixed network of every round; it must never change, or drift could not be told from a new version."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 12 * 12, 2 * KEYPOINTS),
    )


def build_module(plan: TargetPlan) -> "nn.Module":
    """The untrained network of a plan.

    Raises:
        ArchitectureError: unknown model or option.
    """
    import architectures

    assert plan.architecture is not None
    return architectures.build(plan.architecture, **architectures.without_start(plan.options))


def _synchroniser(device: "torch.device") -> Callable[[], None]:
    import torch

    if device.type == "cpu":
        return lambda: None
    return lambda: torch.accelerator.synchronize(device)
