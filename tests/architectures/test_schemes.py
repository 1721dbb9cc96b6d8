"""Our networks and the curated dozen learn any number of points in grey or colour frames of 64 to 256 pixels."""

import itertools

import pytest
import torch

import architectures
from architectures import ArchitectureError, timm_backbones
from bench.measuring.cost import refuse_misfit
from bench.scheme import scheme_of_names

OURS = [name for name, entry in architectures.registered().items() if entry.family != "timm"]
HEATMAPS = [(one.name, {"head": "heatmap"}) for one in timm_backbones.CURATED]
BACKBONES = [*((one.name, {}) for one in timm_backbones.CURATED), *HEATMAPS]
CASES = [*((name, {}) for name in OURS), *BACKBONES]
SCHEMES = list(itertools.product((64, 128, 256), (4, 68), (1, 3)))

QUICK = [(64, 68, 3), (128, 4, 1), (256, 68, 1), (101, 4, 3)]
"""Each side, number of points and channel count; 101 halves unevenly at every stage."""


def train_one_step(name: str, options: dict[str, object], side: int, keypoints: int, channels: int) -> None:
    torch.manual_seed(0)
    module = architectures.build(name, **options, keypoints=keypoints, side_px=side, channels=channels).train()
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-3)
    pictures = torch.randn(2, channels, side, side)
    targets = torch.linspace(-0.8, 0.8, 2 * keypoints).repeat(2, 1)
    before = [parameter.detach().clone() for parameter in module.parameters()]
    own_loss = getattr(module, "training_loss", None)
    answer = module(pictures)
    assert answer.shape == (2, 2 * keypoints)
    loss = own_loss(pictures, targets) if own_loss is not None else (answer - targets).abs().mean()
    loss.backward()
    assert all(bool(torch.isfinite(one.grad).all()) for one in module.parameters() if one.grad is not None)
    optimiser.step()
    assert any(not torch.equal(old, new) for old, new in zip(before, module.parameters(), strict=True))
    with torch.inference_mode():
        after = module.eval()(pictures)
    assert after.shape == (2, 2 * keypoints)
    assert bool(torch.isfinite(after).all())


@pytest.mark.parametrize(("side", "keypoints", "channels"), QUICK)
@pytest.mark.parametrize("name", OURS)
def test_our_networks_train_a_step(name: str, side: int, keypoints: int, channels: int) -> None:
    train_one_step(name, {}, side, keypoints, channels)


@pytest.mark.parametrize(("case", "scheme"), list(zip(BACKBONES, itertools.cycle(QUICK[:3]), strict=False)))
def test_backbones_train_a_step(case: tuple[str, dict[str, object]], scheme: tuple[int, int, int]) -> None:
    train_one_step(*case, *scheme)


@pytest.mark.slow
@pytest.mark.parametrize(("side", "keypoints", "channels"), SCHEMES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0] + ("+maps" if case[1] else ""))
def test_every_network_trains_a_step(
    case: tuple[str, dict[str, object]], side: int, keypoints: int, channels: int
) -> None:
    train_one_step(*case, side, keypoints, channels)


def test_a_frame_that_leaves_nothing_is_refused_with_the_reason() -> None:
    with pytest.raises(ArchitectureError, match=r"model naimishnet: side_px is 26, .*leave nothing"):
        architectures.build("naimishnet", side_px=26)
    assert architectures.build("naimishnet", side_px=27)(torch.zeros(1, 1, 27, 27)).shape == (1, 30)


def test_a_backbone_that_cannot_take_a_frame_is_refused_with_the_reason() -> None:
    with pytest.raises(ArchitectureError, match=r"timm:efficientformer_l1: cannot run at 3x128x128 \(.+\); choose"):
        architectures.build("timm:efficientformer_l1", side_px=128, channels=3)


def test_maps_of_a_backbone_are_tried_before_anything_trains() -> None:
    scheme = scheme_of_names(("nose", "ear"), 64)
    for name in ("resnet18", "vit_tiny"):
        refuse_misfit(architectures.get(name), {"head": "heatmap"}, scheme)
