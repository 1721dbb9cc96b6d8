"""What a network may change for the others that run in its process after it."""

import os
import signal
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SMALLEST = 1e-40
"""Below the smallest normal float32: zero where denormals are flushed."""


def process_state() -> Mapping[str, Any]:
    """By name, what holds for a whole process and can change the numbers, or the end, of a training in it.

    Random numbers are not in it: each cell draws its own from its seed.
    """
    import torch
    from torch.nn.modules import module

    hooks = [name for name in vars(module) if name.startswith("_global_") and name.endswith("hooks")]
    read: dict[str, Callable[[], object]] = {
        "default dtype": torch.get_default_dtype,
        "default device": torch.get_default_device,
        "threads": torch.get_num_threads,
        "gradients": torch.is_grad_enabled,
        "inference mode": torch.is_inference_mode_enabled,
        "autocast": lambda: [torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda")],
        "oneDNN": lambda: torch.backends.mkldnn.enabled,
        "cuDNN": lambda: (torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark),
        "matrix precision": torch.get_float32_matmul_precision,
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled,
        "anomaly detection": torch.is_anomaly_enabled,
        "denormal numbers": lambda: (torch.tensor(SMALLEST, dtype=torch.float32) / 2).item() > 0,
        "hooks of all modules": lambda: {name: len(getattr(module, name)) for name in hooks},
        "warnings as errors": lambda: sum(one[0] == "error" for one in warnings.filters),
        "environment": lambda: dict(os.environ),
        "working directory": Path.cwd,
        "path of imports": lambda: list(sys.path),
        "recursion limit": sys.getrecursionlimit,
        "signal handlers": lambda: {one: signal.getsignal(one) for one in signal.valid_signals()},
    }
    return {name: _found(one) for name, one in read.items()}


def _found(read: Callable[[], object]) -> object:
    try:
        return read()
    except Exception as error:  # a setting that torch itself refuses to tell any more, say
        return f"{type(error).__name__}: {error}"


def changed(before: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of what is no longer as :func:`process_state` found it."""
    now = process_state()
    return tuple(name for name, value in before.items() if now[name] != value)
