"""Static costs of a model: parameters, multiply-accumulates and weights on disk, counted without running it.

Counting happens on torch's ``meta`` device: shapes are computed, numbers are not, so the largest network costs no
memory, and fused attention is seen as the operator it is (on the CPU it is passed over).
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import architectures
from bench.errors import ModelError
from bench.faces.keypoints import FRAME_PX

if TYPE_CHECKING:
    import torch
    from torch import nn

logger = logging.getLogger(__name__)

FLOPS_PER_MAC = 2


@dataclass(frozen=True)
class Cost:
    """What a model weighs.

    Attributes:
        parameters: all of them, shared tensors once.
        trainable_parameters: those with ``requires_grad``.
        macs: multiply-accumulates of convolutions, matrix products and attention for a 96 x 96 picture. Normalisation,
            pooling and activations are not counted; figures published elsewhere may add them or fuse branches first.
        weights_mb: bytes of the stored weights (parameters and persistent buffers, shared tensors once) / 10^6.
    """

    parameters: int
    trainable_parameters: int
    macs: int
    weights_mb: float


def count_cost(model: str, options: Mapping[str, Any] | None = None) -> Cost:
    """Count the costs of a registered model with these builder options; no weights are downloaded or read.

    Raises:
        ModelError: the model cannot run forward on one 1 x 96 x 96 picture.
        architectures.ArchitectureError: unknown model or option.
    """
    import torch

    entry = architectures.get(model)
    chosen = architectures.without_start(options or {})
    module = lay_out(entry, chosen).to("meta")
    try:
        return cost_of(module.eval(), torch.empty(1, 1, FRAME_PX, FRAME_PX, device="meta"))
    except (NotImplementedError, RuntimeError, AssertionError) as error:
        logger.debug("%s: counted on the CPU, not on meta (%s)", model, error)
    try:
        return cost_of(entry.build(**chosen).eval(), torch.zeros(1, 1, FRAME_PX, FRAME_PX))
    except Exception as error:
        raise ModelError(f"model {model}: cannot run on one 1x96x96 picture ({error}); see `bench check`") from error


def lay_out(entry: architectures.Architecture, options: Mapping[str, Any]) -> "nn.Module":
    """Build a module on ``meta``, or on the CPU where its builder computes with values, e.g. calls ``.item()``.

    Raises:
        architectures.ArchitectureError: unknown option, or a value that the builder refuses.
        Exception: whatever else a user's own builder raises.
    """
    import torch

    try:
        with torch.device("meta"):
            return entry.build(**options)
    except Exception as error:
        # `.numpy()` on meta is a TypeError, which `build` takes for a bad option.
        if isinstance(error, architectures.ArchitectureError) and not isinstance(error.__cause__, TypeError):
            raise
        logger.debug("%s: built on the CPU, not on meta (%s)", entry.name, error)
    return entry.build(**options)


def cost_of(module: "nn.Module", pictures: "torch.Tensor") -> Cost:
    """Count the costs of a module for a batch of one.

    Args:
        module: in eval mode, on the device of ``pictures``.
        pictures: float (1, C, H, W).
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    # Not under no_grad: the module tracker stumbles there over parameters that are passed from block to block.
    with torch.enable_grad(), _countable_attention(), pictures.device, FlopCounterMode(display=False) as counter:
        module(pictures)
    parameters = list(module.parameters())  # lists a shared tensor once
    stored = {tensor.data_ptr() or id(tensor): tensor for tensor in module.state_dict(keep_vars=True).values()}
    return Cost(
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable_parameters=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        macs=counter.get_total_flops() // FLOPS_PER_MAC,
        weights_mb=sum(tensor.numel() * tensor.element_size() for tensor in stored.values()) / 1e6,
    )


@contextmanager
def _countable_attention() -> Iterator[None]:
    """Keep attention in operators that the counter knows.

    ``nn.TransformerEncoderLayer`` has a fused inference path that is not counted anywhere, and scaled-dot-product
    attention on the CPU is only counted in its plain form.
    """
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
