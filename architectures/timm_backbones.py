"""Any backbone of timm, for any frame that it can take: ``timm:NAME``, and a curated dozen under short names.

timm is Ross Wightman, "PyTorch Image Models", https://github.com/huggingface/pytorch-image-models. It is imported when
one of its models is asked for, never to list names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architectures.machinery.errors import ArchitectureError
from architectures.machinery.names import TIMM_PREFIX
from architectures.machinery.registry import Architecture, Dimensions, Plain, add, nearest
from architectures.machinery.timm_fitting import create, size_arguments

if TYPE_CHECKING:
    from torch import nn

HEADS = ("regression", "heatmap")
NAME = re.compile(r"^[A-Za-z0-9_.]+$")

RECIPE: Plain = {"optimiser": "muon", "lr": 0.01, "epochs": 20}
"""What backbones want different from the default recipe.

Folds 2 and 3 of the YouTube Faces frames, 20 epochs, under the heatmap head; beside it timm's own pooled head with
AdamW at lr 2e-3: resnet18 1.743 and 2.013 px, mobilenetv3_small 1.790 and 3.613, mobilenetv3_large 1.753 and 2.956,
mobilenetv4_small 1.773 and 2.956, efficientnet_b0 1.718 and 11.853, ghostnetv2 1.733 and 2.391. Muon under the pooled
head comes between, or diverges (mobilenetv4_small). convnext_atto reaches 1.800 on fold 2, vit_tiny 2.317.
"""

ATTENTION: Plain = {"lr": 1e-3, "weight_decay": 0.1, "warmup_fraction": 0.3, "clip_norm": 1.0}
"""Without batch norm, attention needs smaller steps, a longer warm-up and clipped gradients."""

DROP_PATH: Mapping[str, Plain] = {"drop_path_rate": {"type": "float", "low": 0.0, "high": 0.3}}


@dataclass(frozen=True)
class Curated:
    """A short name for one of timm's models."""

    name: str
    summary: str
    source: str
    recipe: Plain = field(default_factory=lambda: RECIPE)
    space: Mapping[str, Plain] = field(default_factory=dict)
    in_timm: str = ""
    head: str = "heatmap"

    @property
    def timm_name(self) -> str:
        """What timm calls it, where that is another name."""
        return self.in_timm or self.name


CURATED: tuple[Curated, ...] = (
    Curated("resnet18", "the field's yardstick", "He et al., CVPR 2016"),
    Curated(
        "mobilenetv3_small", "small, for phones", "Howard et al., ICCV 2019", RECIPE, DROP_PATH, "mobilenetv3_small_100"
    ),
    Curated(
        "mobilenetv3_large",
        "middle, for phones",
        "Howard et al., ICCV 2019",
        RECIPE,
        DROP_PATH,
        "mobilenetv3_large_100",
    ),
    Curated(
        "mobilenetv4_small", "small, for many processors", "Qin et al., ECCV 2024", in_timm="mobilenetv4_conv_small"
    ),
    Curated("efficientnet_b0", "scaled by search", "Tan and Le, ICML 2019", space=DROP_PATH),
    Curated("regnety_004", "a regular design space", "Radosavovic et al., CVPR 2020", space=DROP_PATH),
    Curated("ghostnetv2", "cheap maps from linear operations", "Tang et al., NeurIPS 2022", in_timm="ghostnetv2_100"),
    Curated("edgenext_xx_small", "convolutions and attention", "Maaz et al., ECCVW 2022", ATTENTION, DROP_PATH),
    Curated("fastvit_t8", "convolutions that mix tokens", "Vasu et al., ICCV 2023", space=DROP_PATH),
    Curated("hrnet_small", "keeps high resolution", "Wang et al., TPAMI 2020", in_timm="hrnet_w18_small"),
    Curated("convnext_atto", "convolutions in a transformer's form", "Liu et al., CVPR 2022", space=DROP_PATH),
    Curated("vit_tiny", "a transformer", "Dosovitskiy et al., ICLR 2021", ATTENTION, DROP_PATH, "vit_tiny_patch16_224"),
)


def architecture(reference: str) -> Architecture:
    """The entry of ``timm:NAME``.

    Raises:
        ArchitectureError: timm has no model of that name; the message holds the nearest ones.
    """
    import timm

    name = reference.removeprefix(TIMM_PREFIX)
    if not NAME.match(name) or not timm.is_model(name):
        hint = nearest(name, timm.list_models(), TIMM_PREFIX) or "; see `bench models --timm`"
        raise ArchitectureError(f"unknown model '{reference}': timm has none of that name{hint}")
    known = next((one for one in CURATED if one.timm_name == name.partition(".")[0]), None)
    if known is not None:
        recipe, space = known.recipe, known.space
    else:
        # No option is searched: many of timm's builders refuse `drop_path_rate`, and only building one tells.
        recipe, space = ATTENTION if _is_attention(name) else RECIPE, {}
    return _entry(Curated(reference, "a backbone of timm", "timm", recipe, space, name, usual_head(name)))


def model_names(pattern: str = "") -> list[str]:
    """``timm:NAME`` of each of timm's models whose NAME matches a shell pattern; of all for an empty one."""
    import timm

    return [TIMM_PREFIX + name for name in timm.list_models(pattern.removeprefix(TIMM_PREFIX))]


@lru_cache(maxsize=4096)
def usual_head(name: str) -> str:
    """``heatmap`` for a backbone that hands out maps, ``regression`` for another; found out on the meta device."""
    from architectures.timm_heatmap import idle_parameters

    try:
        idle_parameters(name, Dimensions())
    except Exception:  # whatever a third party's model raises
        return "regression"
    return "heatmap"


def _is_attention(name: str) -> bool:
    families = r"vit|deit|swin|beit|eva|cait|xcit|mixer|(conv|edge)next|former|mlp|volo|hiera"
    return re.search(families, name) is not None


def _entry(curated: Curated) -> Architecture:
    def backbone(
        *,
        pretrained: bool = False,
        weights: str | None = None,
        head: str = curated.head,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        **dimensions: int,
    ) -> "nn.Module":
        choices = Choices(pretrained, weights, head)
        drops = {"drop_rate": drop_rate, "drop_path_rate": drop_path_rate}
        # Many backbones do not take them: passed on only when asked for.
        asked = {option: value for option, value in drops.items() if value}
        return build_backbone(curated.timm_name, choices, Dimensions(**dimensions), **asked)

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
        head: ``heatmap`` (soft-argmax over its maps; the default where it hands out maps) or ``regression`` (timm's
            pooling and a linear layer).
    """

    pretrained: bool
    weights: str | None
    head: str

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


def build_backbone(name: str, choices: Choices, data: Dimensions, **drops: float) -> "nn.Module":
    """Build one of timm's models for keypoints.

    Raises:
        ArchitectureError: it cannot run at this frame, or the chosen weights cannot be had or do not belong to it.
    """
    import torch

    from architectures.machinery.timm_inputs import scale_inputs
    from architectures.machinery.timm_weights import published_weights, weights_overlay
    from architectures.timm_heatmap import TimmHeatmap, feature_maps, idle_parameters

    fitting: dict[str, Any] = {"in_chans": data.channels, **size_arguments(name, data), **drops}
    head = {"num_classes": 2 * data.keypoints}
    if choices.pretrained or choices.weights:
        path = Path(choices.weights) if choices.weights else published_weights(name)
        overlay = weights_overlay(name, path, {**head, **fitting})
        # On meta nothing can be copied, and torch warns of each tensor.
        fitting |= {} if torch.get_default_device().type == "meta" else overlay
    if choices.head == "heatmap":
        module: nn.Module = TimmHeatmap(feature_maps(name, fitting, data), data)
        for idle in idle_parameters(name, data):
            module.get_parameter(idle).requires_grad_(False)
    else:
        module = create(name, **head, **fitting)
        _start_near_the_centre(module)
    scale_inputs(module, name, data.channels)
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


for _curated in CURATED:
    add(_entry(_curated))
