"""Static costs of a model: parameters, multiply-accumulates and weights on disk, counted without running it.

Counting happens on torch's ``meta`` device: shapes are computed, numbers are not, so the largest network costs no
memory, and fused attention is seen as the operator it is (on the CPU it is passed over).
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import architectures
from bench.errors import ModelError
from bench.scheme import SEED_SCHEME, Scheme

if TYPE_CHECKING:
    import torch
    from torch import nn

logger = logging.getLogger(__name__)

FLOPS_PER_MAC = 2

Found = TypeVar("Found")


@dataclass(frozen=True)
class Cost:
    """What a model weighs.

    Attributes:
        parameters: all of them, shared tensors once.
        trainable_parameters: those with ``requires_grad``.
        macs: multiply-accumulates of convolutions, matrix products and attention for one answer, both passes where a
            picture's mirror image is asked too. Normalisation, pooling and activations are not counted; figures
            published elsewhere may add them or fuse branches first.
        weights_mb: bytes of the stored weights (parameters and persistent buffers, shared tensors once) / 10^6.
    """

    parameters: int
    trainable_parameters: int
    macs: int
    weights_mb: float


def count_cost(
    model: str, options: Mapping[str, Any] | None = None, scheme: Scheme = SEED_SCHEME, *, flip: bool = False
) -> Cost:
    """Count the costs of a registered model with these builder options; no weights are downloaded or read.

    Args:
        model: as the user typed it.
        options: of its builder.
        scheme: the data's frame, channels and points.
        flip: the answer is the mean of a picture's and its mirror image's (the recipe's ``test_time_flip``).

    Raises:
        ModelError: the model cannot run forward on one picture.
        architectures.ArchitectureError: unknown model or option, or one that cannot be built for this scheme.
    """
    from bench.training.predictor import Predictor

    def count(module: "nn.Module", pictures: "torch.Tensor") -> Cost:
        passes = Predictor(module, scheme, flip=flip).passes.to(pictures.device)
        return cost_of(passes.eval(), pictures[:1])

    return _on_two_pictures(architectures.get(model), architectures.without_start(options or {}), scheme, count)


def lay_out(entry: architectures.Architecture, options: Mapping[str, Any], scheme: Scheme = SEED_SCHEME) -> "nn.Module":
    """Build a module on ``meta``, or on the CPU where its builder computes with values, e.g. calls ``.item()``.

    Raises:
        architectures.ArchitectureError: unknown option, a value that the builder refuses, or other data than it can be
            built for.
        Exception: whatever else a user's own builder raises.
    """
    import torch

    entry.refuse_unknown_options(options)
    try:
        with torch.device("meta"):
            return entry.build(**scheme.dimensions, **options)
    except (Exception, SystemExit) as error:
        # `.numpy()` on meta is a TypeError, which `build` takes for a bad option.
        if isinstance(error, architectures.ArchitectureError) and not isinstance(error.__cause__, TypeError):
            raise
        logger.debug("%s: built on the CPU, not on meta (%s)", entry.name, error)
    return entry.build(**scheme.dimensions, **options)


def refuse_misfit(
    entry: architectures.Architecture, options: Mapping[str, Any], scheme: Scheme, side_px: int | None = None
) -> None:
    """Run two pictures through a module that was built for this scheme, and look at the shape of its answer.

    Args:
        entry, options, scheme: what is built.
        side_px: of the pictures, where it is not the frame's.

    Raises:
        ModelError: the model cannot run forward on them, or answers other numbers than two for each keypoint.
        architectures.ArchitectureError: as :func:`lay_out`.
    """
    import torch

    side = side_px or scheme.side_px

    def answer(module: "nn.Module", pictures: "torch.Tensor") -> tuple[int, ...]:
        with torch.no_grad():
            return tuple(module(pictures[:, :, :side, :side]).shape)

    shape, expected = _on_two_pictures(entry, options, scheme, answer), (2, scheme.coordinates)
    if shape != expected:
        raise ModelError(
            f"model {entry.name}: answers {shape} to two pictures of {scheme.frame_words}, expected {expected}; "
            "see `bench check`"
        )


def _on_two_pictures(
    entry: architectures.Architecture,
    options: Mapping[str, Any],
    scheme: Scheme,
    use: Callable[["nn.Module", "torch.Tensor"], Found],
) -> Found:
    """What ``use`` finds for a module and float (2, C, side, side) on ``meta``, or on the CPU where that fails."""
    import torch

    shape = (2, scheme.channels, scheme.side_px, scheme.side_px)
    module = lay_out(entry, options, scheme).to("meta")
    try:
        return use(module, torch.empty(shape, device="meta"))
    except (Exception, SystemExit) as error:  # whatever a user's own network raises where tensors hold no values
        logger.debug("%s: run on the CPU, not on meta (%s)", entry.name, error)
    try:
        return use(entry.build(**scheme.dimensions, **options), torch.zeros(shape))
    except (Exception, SystemExit) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"model {entry.name}: cannot run on {scheme.frame_words} pictures ({reason}); see `bench check`"
        ) from error


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
