"""Weights from files of unknown origin: tensors only, nothing in the file is executed."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architectures.machinery.errors import ArchitectureError

if TYPE_CHECKING:
    from torch import Tensor, nn

NESTED_UNDER = ("state_dict_ema", "model_ema", "state_dict", "model")
"""Keys under which training scripts put the weights, preferred ones first."""

WRAPPER_PREFIXES = ("module.", "_orig_mod.")
"""What ``DataParallel`` and ``torch.compile`` put before each name."""


def read_weights(path: Path) -> dict[str, "Tensor"]:
    """Read ``.safetensors`` or a torch file (``.pth``, ``.pt``, ``.bin``) on the CPU.

    A torch file is unpickled with ``weights_only=True``: a file that asks for any other code is refused.

    Raises:
        ArchitectureError: missing, damaged, holds code, or holds no tensors.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise ArchitectureError(f"weights {path}: no such file; give a .safetensors or .pth file")
    try:
        with torch.device("cpu"):
            if path.suffix == ".safetensors":
                found: Any = load_file(path)
            else:
                found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ArchitectureError(
            f"weights {path}: holds code or objects besides tensors, or is no torch file; nothing of it was run; "
            "save it again as .safetensors"
        ) from error
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ArchitectureError(
            f"weights {path}: damaged or not a weights file ({_first_line(error)}); give a .safetensors or .pth file"
        ) from error
    weights = _tensors(found)
    if not weights:
        raise ArchitectureError(f"weights {path}: holds no named tensors; give a state dict")
    return weights


def fill(module: "nn.Module", path: Path, remedy: str = "give the options they were trained with") -> None:
    """Put a file's weights into a module; one on ``meta`` has no place for values and is only compared.

    Args:
        module: the network they are for.
        path: the file.
        remedy: what to do where they are not this network's, for the message.

    Raises:
        ArchitectureError: unreadable file, or not exactly this module's weights.
    """
    weights, own = read_weights(path), module.state_dict()
    for name in dict.fromkeys([*own, *weights]):
        there, here = (tuple(state[name].shape) if name in state else "missing" for state in (weights, own))
        if there != here:
            raise ArchitectureError(
                f"weights {path}: not the weights of this network with these options ({name}: {there} in the file, "
                f"{here} in the network); {remedy}"
            )
    if not any(tensor.is_meta for tensor in own.values()):
        module.load_state_dict(weights)


def _tensors(found: Any) -> dict[str, "Tensor"]:
    import torch

    if not isinstance(found, Mapping):
        return {}
    for key in NESTED_UNDER:
        if isinstance(found.get(key), Mapping):
            found = found[key]
            break
    weights = {
        name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, torch.Tensor)
    }
    for prefix in WRAPPER_PREFIXES:
        if weights and all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
