"""Where and in which arithmetic a network is trained and used."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils import deterministic

from bench.errors import ConfigError

BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16", "asimdbf16"}
ONEDNN_SETTINGS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE")
"""Of the environment: what oneDNN may not use, and whether it may compute float32 in less."""

CONVOLUTION_ARGUMENTS = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
"""Of ``torch.conv2d``, in their order."""


def resolve_device(asked: str) -> str:
    """``auto`` -> the accelerator that is really there, else ``cpu``.

    Raises:
        ConfigError: the asked device is not there.
    """
    if asked == "auto":
        found = torch.accelerator.current_accelerator(check_available=True)
        return found.type if found is not None else "cpu"
    there = ["cpu"]
    if torch.cuda.is_available():
        there += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        there += ["mps", "mps:0"]
    if asked not in there:
        raise ConfigError(f"--device {asked}: not available here; available: {', '.join(there)}")
    return asked


def resolve_precision(asked: str, device: str) -> str:
    """``auto`` -> ``bfloat16`` where the device multiplies in it, else ``float32``."""
    if asked != "auto":
        return asked
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if device == "cpu" and processor_has_bf16() else "float32"


def compute_alike() -> None:
    """Have this process come to the same bits each time on CUDA, as far as torch has a way to.

    Where it has none (gradients of some poolings and resamplings), torch warns once and goes on.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # that is for finding faults


def autocast(precision: str, device: str) -> AbstractContextManager[object]:
    """Autocast to bfloat16 over float32 weights, where ``precision`` says so."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)


def attention(precision: str, device: str) -> AbstractContextManager[object]:
    """What computes ``scaled_dot_product_attention`` in training: matrix products, in a processor's bfloat16 and on
    CUDA.

    On the processor the gradient of torch's fused kernel takes half of a small transformer's step (19 ms of 40 tokens,
    3 heads and 32 pictures, with AMX); on CUDA it adds in another order each time.
    """
    products = device.startswith("cuda") or (precision == "bfloat16" and device == "cpu")
    return sdpa_kernel(SDPBackend.MATH) if products else nullcontext()


class DepthwiseInFloat32(TorchFunctionMode):
    """Inside an autocast, convolutions of single channels are computed in float32, and their gradients with them.

    Precision by layer, and by nothing that was timed: the same network is trained in the same arithmetic everywhere.

    What a network computes a second time in its backward pass (:mod:`torch.utils.checkpoint`) is not reached: torch
    turns the mode off for every function that passes through it, ``backward`` itself among them. A checkpoint that is
    not reentrant then refuses the other dtypes (CheckpointError), a reentrant one computes these layers in bfloat16
    the second time. Such a network is trained with ``recipe.float32_layers = "none"``, or brings a ``context_fn``.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Every function of torch comes through here."""
        given = dict(kwargs or {})
        if func is not torch.conv2d:
            return func(*args, **given)
        named = dict(zip(CONVOLUTION_ARGUMENTS, args, strict=False)) | given
        pictures, weight, bias = named.pop("input"), named.pop("weight"), named.pop("bias", None)
        if weight.shape[1] > 1 or pictures.shape[-3] == 1:
            return func(pictures, weight, bias, **named)
        with torch.autocast(pictures.device.type, enabled=False):
            # A weight may have been computed, and so be in bfloat16 too.
            return func(pictures.float(), weight.float(), None if bias is None else bias.float(), **named)


def resolve_float32_layers(asked: str, precision: str, device: str) -> str:
    """``auto`` -> ``depthwise`` under the autocast of a processor, else ``none``."""
    if precision == "float32":
        return "none"
    return asked if asked != "auto" else "depthwise" if device == "cpu" else "none"


def layers_apart(float32_layers: str, module: nn.Module) -> AbstractContextManager[object]:
    """What is to be around an autocast network, so that these layers of it stay in float32.

    Nothing where it has no such layer: every function of torch would pass through it in vain.
    """
    layers = (layer for layer in module.modules() if isinstance(layer, nn.Conv2d))
    there = any(1 < layer.groups == layer.in_channels for layer in layers)
    return DepthwiseInFloat32() if float32_layers == "depthwise" and there else nullcontext()


def processor_has_bf16() -> bool:
    """Whether this processor has bfloat16 multiply instructions; without them autocast is slower than float32."""
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return (probe is not None and probe()) or bool(_bf16_flags())


def kernels(device: str) -> str:
    """What the arithmetic of ``device`` is done with: others round differently, and a training ends elsewhere.

    Of a processor, what torch and oneDNN may use (``AVX512, amx_bf16``), and what the environment tells the latter;
    of CUDA, the accelerator's name.
    """
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(torch.device(device))
    if device != "cpu":
        return device
    told = [f"{name}={os.environ[name]}" for name in ONEDNN_SETTINGS if name in os.environ]
    return ", ".join([torch.backends.cpu.get_cpu_capability(), *sorted(_bf16_flags()), *told])


def _bf16_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return set()
    lines = [line.split() for line in text.splitlines() if line.startswith(("flags", "Features"))]
    return BF16_FLAGS.intersection(*lines[:1]) if lines else set()
