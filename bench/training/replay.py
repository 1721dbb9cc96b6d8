"""A step of training as one CUDA graph: recorded once, replayed from then on."""

import gc
from collections.abc import Callable

import torch
from torch import Tensor

EAGER_CALLS = 3
"""Calls that are made before one is recorded: libraries allocate and choose their kernels in them, and gradients and
moments get their places."""


class Replayed:
    """A function of tensors that does the same kernels in each call.

    Launched one by one from Python, the hundreds of small kernels of a step take five to ten times longer than the
    accelerator needs for them. Nothing may be read back within, and Python is not asked again: what it decided in the
    recorded call stays decided.
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.function = function
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: list[Tensor] = []
        self._output: Tensor | None = None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Tensors of the same shapes in every call -> the function's answer, which the next call overwrites."""
        self._calls += 1
        if self._calls <= EAGER_CALLS:
            return self.function(*inputs)
        if self._graph is None:
            self._graph = self._record(inputs)
        for place, given in zip(self._inputs, inputs, strict=True):
            place.copy_(given)
        self._graph.replay()
        assert self._output is not None
        return self._output

    def _record(self, inputs: tuple[Tensor, ...]) -> torch.cuda.CUDAGraph:
        """Record one call on the present stream; nothing is computed yet."""
        self._inputs = [each.clone() for each in inputs]
        graph = torch.cuda.CUDAGraph()
        # A graph that is thrown away meanwhile would break the recording.
        collecting = gc.isenabled()
        gc.disable()
        try:
            graph.capture_begin(capture_error_mode="thread_local")
            try:
                self._output = self.function(*self._inputs)
            finally:
                graph.capture_end()
        finally:
            if collecting:
                gc.enable()
        return graph
