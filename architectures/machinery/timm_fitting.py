"""Fitting one of timm's models to a frame: what it is told, and whether it runs, found out on the meta device."""

import re
import traceback
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architectures.machinery.errors import ArchitectureError
from architectures.machinery.registry import Dimensions

if TYPE_CHECKING:
    from torch import nn


@lru_cache(maxsize=4096)
def size_arguments(name: str, data: Dimensions) -> Mapping[str, int]:
    """What makes a model accept a frame: nothing, or ``img_size`` in pixels, found out on the meta device.

    Raises:
        ArchitectureError: the model cannot take the frame or gives other numbers; the message holds the reason.
    """
    from timm.models import get_pretrained_cfg

    known = get_pretrained_cfg(name)
    candidates: list[dict[str, int]] = [{}, {"img_size": data.side_px}]
    if known is not None and known.fixed_input_size:
        candidates.reverse()
    reasons = []
    for arguments in candidates:
        try:
            _run_on_meta(name, data, arguments)
            return arguments
        except Exception as error:  # whatever a third party's model raises is the reason it is refused
            reasons.append(plain_reason(error))
    raise ArchitectureError(f"cannot run at {data.frame_words} ({_telling(reasons)}); choose another backbone")


def _run_on_meta(name: str, data: Dimensions, arguments: Mapping[str, int]) -> None:
    """Run a model without memory behind it forward once in training mode, and look at the shape of its answer."""
    import torch

    # The generator is put back: a first build must draw the same weights as a second one.
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        module = create(name, in_chans=data.channels, num_classes=2 * data.keypoints, **arguments)
        with torch.no_grad():
            answer = module(torch.empty(2, data.channels, data.side_px, data.side_px))
    expected = (2, 2 * data.keypoints)
    if not isinstance(answer, torch.Tensor) or tuple(answer.shape) != expected:
        found = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise ArchitectureError(f"gives {found} for two pictures, expected {expected}: it has no such head")


def create(name: str, **arguments: Any) -> "nn.Module":
    """One of timm's models, by timm's own name."""
    import timm

    module: nn.Module = timm.create_model(name, **arguments)
    getattr(module, "pretrained_cfg", {}).pop("state_dict", None)  # timm keeps a second copy of weights given to it
    return module


def plain_reason(error: Exception) -> str:
    """What a model of timm demands, in one line."""
    lines = str(error).strip().splitlines()
    if isinstance(error, AssertionError) and not lines:
        # A bare assertion says nothing: the condition that timm's line demands does.
        places = [
            frame.line for frame in traceback.extract_tb(error.__traceback__) if "timm" in Path(frame.filename).parts
        ]
        demand = re.match(r"(?:assert\s+|_assert\()(.+?)(?:,\s*(?:''|\"\")\))?$", (places or [""])[-1] or "")
        return f"it demands {demand[1][:160]}" if demand else "a demand of timm's on the picture's size is not met"
    text = lines[0][:160].rstrip(" .:") if lines else ""
    return text if isinstance(error, ArchitectureError) else f"{type(error).__name__}: {text}"


def _telling(reasons: list[str]) -> str:
    """Of two failures the one that is not merely 'there is no such argument'."""
    return next((reason for reason in reasons if "unexpected keyword" not in reason), reasons[0])
