"""What is timed: a network in a runtime, behind calls that need only the number of the input to take.

Nothing here imports torch at the top: the process that measures ONNX Runtime never loads it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.config.latency import Runtime
from bench.scheme import SEED_SCHEME, Scheme

if TYPE_CHECKING:
    import torch
    from torch import nn

    from bench.training.predictor import Predictor

Call = Callable[[int], object]
"""Runs one batch to its end, whatever device it runs on; the number says which input it takes."""

INPUTS = 8
"""Different batches that the calls take in turn, so that no cache serves the same picture again and again."""


class Series(NamedTuple):
    """One thing to time in one process: pictures per call, and whether from uint8 picture to pixel coordinates."""

    batch: int
    end_to_end: bool


FORWARD = Series(batch=1, end_to_end=False)


@dataclass(frozen=True)
class TimedModel:
    """A network whose latency is asked for, as it is used for one answer.

    Attributes:
        model: as the user typed it.
        architecture: its name in the registry (without ``@tuned``); None = the canary.
        options: builder options.
        scheme: of the pictures it takes and the points it answers.
        flip: whether an answer is the mean of two passes, over a picture and its mirror image.
        precision: ``float32``, or ``bfloat16`` (autocast over float32 weights).
        variant_digest: of the variant that the latency is shown with.
    """

    model: str
    architecture: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    scheme: Scheme = SEED_SCHEME
    flip: bool = False
    precision: str = "float32"
    variant_digest: str = ""


CANARY = TimedModel("the canary", None)


@dataclass(frozen=True)
class Plan:
    """What a measuring process loads.

    Attributes:
        timed: the model.
        runtime, device, memory_format, threads: how it runs.
        onnx_files: where the exported graphs are (forward, end to end), for the ONNX runtime.
    """

    timed: TimedModel
    runtime: Runtime = "torch"
    device: str = "cpu"
    memory_format: str = "channels_last"
    threads: int = 1
    onnx_files: tuple[str, str] | None = None


class Network(Protocol):
    """A model loaded into a runtime."""

    def prepare(self, series: Series) -> Call:
        """A call that runs one batch of the series."""
        ...


def load_network(plan: Plan) -> Network:
    """Load what ``plan`` names into this process, with its threads pinned.

    Raises:
        ModelError: a library is missing.
        ArchitectureError: unknown model or option.
    """
    networks: dict[Runtime, Callable[[Plan], Network]] = {
        "torch": TorchNetwork,
        "graph": GraphNetwork,
        "onnx": OnnxNetwork,
    }
    return networks[plan.runtime](plan)


class TorchNetwork:
    """Eager torch (float32 without TF32), in eval mode, under inference mode."""

    def __init__(self, plan: Plan) -> None:
        import torch

        torch.set_num_threads(plan.threads)
        self.device = torch.device(plan.device)
        if self.device.type == "cuda":
            torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
            torch.backends.cuda.matmul.fp32_precision = "ieee"
        self.format = torch.channels_last if plan.memory_format == "channels_last" else torch.contiguous_format
        torch.manual_seed(0)
        self.predictor = build_predictor(plan.timed).to(self.device).to(memory_format=self.format)

    def prepare(self, series: Series) -> Call:
        """See :class:`Network`."""
        import torch

        if series.end_to_end:
            pictures = [torch.from_numpy(each) for each in random_pictures(series.batch, self.predictor.scheme)]
            answer = self.ready(self.predictor, self._on_device(pictures[0]))

            def call(number: int) -> object:
                with torch.inference_mode():
                    # Reading the numbers back waits for the device by itself.
                    return answer(self._on_device(pictures[number % INPUTS])).cpu().numpy()

            return call
        inputs = self.inputs(series.batch)
        passes = self.ready(self.predictor.passes, inputs[0])

        def forward(number: int) -> object:
            with torch.inference_mode():
                points = passes(inputs[number % INPUTS])
            if self.device.type != "cpu":
                torch.accelerator.synchronize(self.device)
            return points

        return forward

    def ready(self, module: "nn.Module", example: "torch.Tensor") -> "Callable[[torch.Tensor], torch.Tensor]":
        """What is called for inputs like the example."""
        del example
        return module

    def inputs(self, batch: int) -> "list[torch.Tensor]":
        """What forward calls take in turn: float32 (batch, C, side, side) on the device, in the memory format."""
        import torch

        pictures = random_pictures(batch, self.predictor.scheme)
        return [self.predictor.scaled(self._on_device(torch.from_numpy(each))) for each in pictures]

    def _on_device(self, pictures: "torch.Tensor") -> "torch.Tensor":
        from bench.training.inputs import channels_first

        return channels_first(pictures.to(self.device)).contiguous(memory_format=self.format)


class GraphNetwork(TorchNetwork):
    """The same, recorded as a CUDA graph: the processor launches all of its kernels at once."""

    def ready(self, module: "nn.Module", example: "torch.Tensor") -> "Callable[[torch.Tensor], torch.Tensor]":
        """See :class:`TorchNetwork`."""
        import torch

        from bench.training.replay import EAGER_CALLS, Replayed

        replayed = Replayed(module)
        # Nothing can be recorded on the default stream.
        with torch.inference_mode(), torch.cuda.stream(torch.cuda.Stream(self.device)):  # type: ignore[no-untyped-call]
            for _ in range(EAGER_CALLS + 1):
                replayed(example)
            torch.cuda.synchronize(self.device)
        return replayed


class OnnxNetwork:
    """ONNX Runtime on the CPU; the process that runs it has no torch."""

    def __init__(self, plan: Plan) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = plan.threads
        options.inter_op_num_threads = 1
        assert plan.onnx_files is not None
        self.scheme = plan.timed.scheme
        self.sessions = [
            onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]) for file in plan.onnx_files
        ]

    def prepare(self, series: Series) -> Call:
        """See :class:`Network`."""
        session = self.sessions[series.end_to_end]
        name = session.get_inputs()[0].name
        stored = random_pictures(series.batch, self.scheme)
        inputs: list[NDArray[Any]] = [each.reshape(series.batch, *_input_shape(self.scheme)) for each in stored]
        if not series.end_to_end:
            # Any values of the right type do: what a picture shows does not change how long the network takes.
            inputs = [((each - 128.0) / 64.0).astype(np.float32) for each in inputs]

        def call(number: int) -> object:
            return session.run(None, {name: inputs[number % INPUTS]})

        return call


def export_onnx_files(timed: TimedModel, folder: str) -> tuple[str, str]:
    """Export a network as 'forward only' and from uint8 pictures to pixels into ``folder``; returns their paths.

    Raises:
        ModelError: a library of the ``export`` extra is missing, or the network cannot be exported.
    """
    import torch

    from bench.training.portable import told_in_one_line, write_onnx

    predictor = build_predictor(timed)
    Path(folder).mkdir(parents=True, exist_ok=True)
    forward, end_to_end = Path(folder) / "forward.onnx", Path(folder) / "end_to_end.onnx"
    pictures = torch.zeros(2, *_input_shape(timed.scheme), dtype=torch.uint8)
    with told_in_one_line(timed.model, "onnx"):
        write_onnx(predictor.passes, pictures.float(), forward, {})
        write_onnx(predictor, pictures, end_to_end, {})
    return str(forward), str(end_to_end)


def build_predictor(timed: TimedModel) -> "Predictor":
    """The untrained network in the form in which it answers, in eval mode.

    Raises:
        ArchitectureError: unknown model or option.
    """
    import architectures
    from bench.training.predictor import Predictor

    if timed.architecture is None:
        network = _canary()
    else:
        options = architectures.without_start(timed.options)
        network = architectures.build(timed.architecture, **timed.scheme.dimensions, **options)
    return Predictor(network, timed.scheme, flip=timed.flip, precision=timed.precision).eval()


def random_pictures(batch: int, scheme: Scheme) -> list[NDArray[np.uint8]]:
    """``INPUTS`` batches of stored pictures, uint8 (batch, side, side) or (batch, side, side, 3); always the same."""
    generator = np.random.default_rng(batch)
    return [generator.integers(0, 256, (batch, *scheme.picture_shape), dtype=np.uint8) for _ in range(INPUTS)]


def _input_shape(scheme: Scheme) -> tuple[int, int, int]:
    return scheme.channels, scheme.side_px, scheme.side_px


def _canary() -> "nn.Module":
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
        nn.Linear(64 * 12 * 12, 30),
    )
