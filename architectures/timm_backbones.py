"""Any backbone of timm at 1x96x96: ``timm:NAME``, and a curated dozen under short names.

timm is Ross Wightman, "PyTorch Image Models", https://github.com/huggingface/pytorch-image-models. It is imported when
one of its models is asked for, never to list names.
"""

import difflib
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architectures.machinery.errors import ArchitectureError
from architectures.machinery.registry import COORDINATES, FRAME_PX, Architecture, Plain, add

if TYPE_CHECKING:
    from torch import nn

PREFIX = "timm:"
HEADS = ("regression", "heatmap")
NAME = re.compile(r"^[A-Za-z0-9_.]+$")

CONVOLUTIONAL: Plain = {"lr": 2e-3, "weight_decay": 0.05}
"""What convolutional backbones want different from the default recipe."""

TRANSFORMER: Plain = {"lr": 1e-3, "weight_decay": 0.1, "warmup_fraction": 0.3, "clip_norm": 1.0}
"""Without batch norm, attention needs smaller steps, a longer warm-up and clipped gradients."""

SPACE: Mapping[str, Plain] = {"drop_path_rate": {"type": "float", "low": 0.0, "high": 0.3}}


@dataclass(frozen=True)
class Curated:
    """A short name for one of timm's models."""

    name: str
    timm_name: str
    summary: str
    source: str
    recipe: Plain = field(default_factory=lambda: CONVOLUTIONAL)
    space: Mapping[str, Plain] = field(default_factory=dict)


CURATED: tuple[Curated, ...] = (
    Curated("resnet18", "resnet18", "the field's yardstick", "He et al., CVPR 2016"),
    Curated("mobilenetv3_small", "mobilenetv3_small_100", "small, for phones", "Howard et al., ICCV 2019", space=SPACE),
    Curated(
        "mobilenetv3_large", "mobilenetv3_large_100", "middle, for phones", "Howard et al., ICCV 2019", space=SPACE
    ),
    Curated("mobilenetv4_small", "mobilenetv4_conv_small", "small, for many processors", "Qin et al., ECCV 2024"),
    Curated("efficientnet_b0", "efficientnet_b0", "scaled by search", "Tan and Le, ICML 2019", space=SPACE),
    Curated("regnety_004", "regnety_004", "a regular design space", "Radosavovic et al., CVPR 2020", space=SPACE),
    Curated("ghostnetv2", "ghostnetv2_100", "cheap maps from linear operations", "Tang et al., NeurIPS 2022"),
    Curated(
        "edgenext_xx_small",
        "edgenext_xx_small",
        "convolutions and channel attention",
        "Maaz et al., ECCV workshops 2022",
        TRANSFORMER,
        SPACE,
    ),
    Curated("fastvit_t8", "fastvit_t8", "convolutions that mix tokens", "Vasu et al., ICCV 2023", space=SPACE),
    Curated("hrnet_small", "hrnet_w18_small", "keeps high resolution", "Wang et al., TPAMI 2020"),
    Curated(
        "convnext_atto",
        "convnext_atto",
        "convolutions in a transformer's form",
        "Liu et al., CVPR 2022",
        TRANSFORMER,
        SPACE,
    ),
    Curated(
        "vit_tiny",
        "vit_tiny_patch16_224",
        "a transformer over 6x6 patches",
        "Dosovitskiy et al., ICLR 2021",
        TRANSFORMER,
        SPACE,
    ),
)


def architecture(reference: str) -> Architecture:
    """The entry of ``timm:NAME``.

    Raises:
        ArchitectureError: timm has no model of that name; the message holds the nearest ones.
    """
    import timm

    name = reference.removeprefix(PREFIX)
    if not NAME.match(name) or not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(PREFIX + one for one in close)}?" if close else "see `bench models --timm`"
        raise ArchitectureError(f"unknown model '{reference}': timm has none of that name; {hint}")
    known = next((one for one in CURATED if one.timm_name == name.partition(".")[0]), None)
    if known is not None:
        recipe, space = known.recipe, known.space
    else:
        # No option is searched: many of timm's builders refuse `drop_path_rate`, and only building one tells.
        recipe, space = TRANSFORMER if _is_attention(name) else CONVOLUTIONAL, {}
    return _entry(Curated(reference, name, "a backbone of timm", "timm", recipe, space))


def model_names(pattern: str = "") -> list[str]:
    """timm's model names that match a shell pattern; all of them for an empty one."""
    import timm

    names: list[str] = timm.list_models(pattern)
    return names


@lru_cache(maxsize=4096)
def size_arguments(name: str) -> Mapping[str, int]:
    """What makes a model accept 96x96: nothing, or ``img_size=96``, found out on the meta device.

    Raises:
        ArchitectureError: the model cannot take 1x96x96 or does not give 30 numbers; the message holds the reason.
    """
    return meta_module(name)[1]


def meta_module(name: str) -> tuple["nn.Module", Mapping[str, int]]:
    """A model without memory behind it, run forward once in training mode, and what it needed for 96x96.

    Raises:
        ArchitectureError: as :func:`size_arguments`.
    """
    from timm.models import get_pretrained_cfg

    known = get_pretrained_cfg(name)
    candidates: list[dict[str, int]] = [{}, {"img_size": FRAME_PX}]
    if known is not None and known.fixed_input_size:
        candidates.reverse()
    reasons = []
    for arguments in candidates:
        try:
            return _run_on_meta(name, arguments), arguments
        except Exception as error:  # whatever a third party's model raises is the reason it is refused
            reasons.append(_plain_reason(error))
    raise ArchitectureError(f"cannot run at 1x96x96 ({_telling(reasons)}); choose another backbone")


def _run_on_meta(name: str, arguments: Mapping[str, int]) -> "nn.Module":
    import torch

    # The generator is put back: a first build must draw the same weights as a second one.
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        module = _create(name, num_classes=COORDINATES, **arguments)
        with torch.no_grad():
            answer = module(torch.empty(2, 1, FRAME_PX, FRAME_PX))
    if not isinstance(answer, torch.Tensor) or tuple(answer.shape) != (2, COORDINATES):
        found = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise ArchitectureError(f"gives {found} for two pictures, expected (2, {COORDINATES}): it has no such head")
    return module


def _create(name: str, **arguments: Any) -> "nn.Module":
    import timm

    module: nn.Module = timm.create_model(name, in_chans=1, **arguments)
    getattr(module, "pretrained_cfg", {}).pop("state_dict", None)  # timm keeps a second copy of weights given to it
    return module


def _plain_reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    if isinstance(error, AssertionError) and not lines:
        # A bare assertion says nothing: the condition that timm's line demands does.
        places = [frame.line for frame in traceback.extract_tb(error.__traceback__) if "timm" in _parts(frame)]
        demand = re.match(r"(?:assert\s+|_assert\()(.+?)(?:,\s*(?:''|\"\")\))?$", (places or [""])[-1] or "")
        return f"it demands {demand[1][:160]}" if demand else "a demand of timm's on the picture's size is not met"
    text = lines[0][:160].rstrip(" .:") if lines else ""
    return text if isinstance(error, ArchitectureError) else f"{type(error).__name__}: {text}"


def _parts(frame: traceback.FrameSummary) -> tuple[str, ...]:
    return Path(frame.filename).parts


def _telling(reasons: list[str]) -> str:
    """Of two failures the one that is not merely 'there is no such argument'."""
    return next((reason for reason in reasons if "unexpected keyword" not in reason), reasons[0])


def _is_attention(name: str) -> bool:
    families = r"vit|deit|swin|beit|eva|cait|xcit|mixer|(conv|edge)next|former|mlp|volo|hiera"
    return re.search(families, name) is not None


def _entry(curated: Curated) -> Architecture:
    def backbone(
        *,
        pretrained: bool = False,
        weights: str | None = None,
        head: str = "regression",
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
    ) -> "nn.Module":
        return build_backbone(
            curated.timm_name,
            Choices(pretrained=pretrained, weights=weights, head=head),
            **{
                option: value
                for option, value in (("drop_rate", drop_rate), ("drop_path_rate", drop_path_rate))
                if value  # many backbones do not take them: passed on only when asked for
            },
        )

    return Architecture(
        name=curated.name,
        builder=backbone,
        summary=f"{curated.summary} (timm's {curated.timm_name})" if curated.source != "timm" else curated.summary,
        family="timm",
        source=curated.source,
        recipe=curated.recipe,
        space=curated.space,
    )


@dataclass(frozen=True)
class Choices:
    """What users choose about a backbone.

    Attributes:
        pretrained: start from timm's published weights.
        weights: start from this local file (``.safetensors`` or ``.pth``) instead.
        head: ``regression`` (timm's pooling and a linear layer) or ``heatmap`` (soft-argmax over its maps).
    """

    pretrained: bool = False
    weights: str | None = None
    head: str = "regression"

    def __post_init__(self) -> None:
        # `--set` takes `False` and `no` for words, and a word counts as true.
        if not isinstance(self.pretrained, bool):
            raise ArchitectureError(f"pretrained is {self.pretrained!r}, expected true or false")
        if not isinstance(self.weights, str | None):
            raise ArchitectureError(f"weights is {self.weights!r}, expected the name of a file")
        if self.head not in HEADS:
            raise ArchitectureError(f"head is '{self.head}', expected {' or '.join(HEADS)}")
        if self.pretrained and self.weights:
            raise ArchitectureError("pretrained and weights exclude each other; leave one out")


def build_backbone(name: str, choices: Choices, **arguments: Any) -> "nn.Module":
    """Build one of timm's models for keypoints.

    Raises:
        ArchitectureError: it cannot run at 96x96, or the chosen weights cannot be had or do not belong to it.
    """
    import torch

    from architectures.machinery.timm_weights import published_weights, weights_overlay
    from architectures.timm_heatmap import TimmHeatmap

    fitting = {**size_arguments(name), **arguments}
    overlay: dict[str, Any] = {}
    if choices.pretrained or choices.weights:
        path = Path(choices.weights) if choices.weights else published_weights(name)
        overlay = weights_overlay(name, path, fitting)
        if torch.get_default_device().type == "meta":  # nothing can be copied there, and torch warns of each tensor
            overlay = {}
    if choices.head == "heatmap":
        return TimmHeatmap(_feature_maps(name, {**fitting, **overlay}))
    module = _create(name, num_classes=COORDINATES, **fitting, **overlay)
    _start_near_the_centre(module)
    return module


def _start_near_the_centre(module: "nn.Module") -> None:
    """Give the last layer small weights: made for logits, timm's first answers can lie far outside the frame."""
    from torch import nn

    classifier: Any = getattr(module, "get_classifier", tuple)
    heads = classifier()
    for head in heads if isinstance(heads, tuple) else (heads,):
        if isinstance(head, nn.Linear | nn.Conv2d):
            nn.init.normal_(head.weight, std=1e-3)
            if head.bias is not None:
                nn.init.zeros_(head.bias)


def _feature_maps(name: str, arguments: Mapping[str, Any]) -> "nn.Module":
    try:
        return _create(name, features_only=True, **arguments)
    except (RuntimeError, AttributeError, AssertionError) as error:
        raise ArchitectureError(f"head 'heatmap': this backbone hands out no maps ({_plain_reason(error)})") from error


for _curated in CURATED:
    add(_entry(_curated))
