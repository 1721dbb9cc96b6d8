from pathlib import Path

import pytest
import torch
from torch import nn

import architectures
from architectures.machinery import registry
from bench.errors import ModelError
from bench.measuring.cost import cost_of, count_cost, lay_out, refuse_misfit
from bench.scheme import SEED_SCHEME, scheme_of_names

PUBLISHED = {
    # name: (side in pixels, million parameters, GMACs), from huggingface/pytorch-image-models at commit 90cae8c,
    # results/benchmark-infer-amp-nchw-pt291-cu128-4090.csv (columns infer_img_size, param_count, infer_gmacs)
    "resnet18": (224, 11.69, 1.82),
    "resnet34": (224, 21.80, 3.67),
    "seresnet34": (224, 21.96, 3.67),
    "dla34": (224, 15.74, 3.07),
    "gernet_m": (224, 21.14, 3.02),
    "hrnet_w18_small": (224, 13.19, 1.61),
    "convnext_pico": (224, 9.05, 1.37),
    "vit_small_patch16_224": (224, 22.05, 4.61),
    "vit_base_patch32_224": (224, 88.22, 4.41),
    "mixer_b32_224": (224, 60.29, 3.24),
    "pit_s_224": (224, 23.46, 2.88),
    "selecsls60": (224, 30.67, 3.59),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_agrees_with_timms_published_figures(name: str) -> None:
    timm = pytest.importorskip("timm")
    side, million_parameters, gmacs = PUBLISHED[name]
    with torch.device("meta"):
        module = timm.create_model(name).eval()
    cost = cost_of(module, torch.empty(1, 3, side, side, device="meta"))
    assert round(cost.parameters / 1e6, 2) == pytest.approx(million_parameters, abs=0.0051)
    assert cost.macs / 1e9 == pytest.approx(gmacs, rel=0.01)


def _published_style(name: str) -> nn.Module:
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        module: nn.Module = timm.create_model(name).eval()
    return module


@pytest.mark.parametrize(
    ("name", "published_gmacs", "published_million_activations"),
    [("efficientnet_b0", 0.40, 6.75), ("mobilenetv3_large_100", 0.23, 4.41)],
)
def test_the_gap_to_published_macs_of_small_nets_is_batch_norm(
    name: str, published_gmacs: float, published_million_activations: float
) -> None:
    """Same file as above: its counter adds two operations of batch norm for every output of a convolution."""
    macs = cost_of(_published_style(name), torch.empty(1, 3, 224, 224, device="meta")).macs
    assert macs / 1e9 < 0.98 * published_gmacs
    assert (macs + 2e6 * published_million_activations) / 1e9 == pytest.approx(published_gmacs, abs=0.005)


def test_the_gap_to_published_macs_of_repvgg_is_its_unfused_branches() -> None:
    """Published for the form whose 1x1 branches are folded into the 3x3 convolutions: 5.12 GMACs, 25.5 M parameters."""
    picture = torch.empty(1, 3, 224, 224, device="meta")
    as_trained = cost_of(_published_style("repvgg_a2"), picture)
    assert as_trained.macs / 1e9 == pytest.approx(5.12 * (1 + 1 / 9), rel=0.01)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(64, nhead=4, dim_feedforward=128, batch_first=True)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        encoded: torch.Tensor = self.encoder(pictures.flatten(2).transpose(1, 2))
        return encoded


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_attention_is_counted(device: str) -> None:
    with torch.device(device):
        module = Attention().eval()
    tokens, width, hidden = 16, 64, 128
    expected = tokens * width * (4 * width + 2 * hidden) + 2 * tokens * tokens * width
    assert cost_of(module, torch.zeros(1, width, 4, 4, device=device)).macs == expected


def test_shared_and_frozen_tensors_and_buffers() -> None:
    shared = nn.Linear(8, 8, bias=False)
    module = nn.Sequential(nn.Flatten(), shared, shared, nn.BatchNorm1d(8)).eval()
    module[3].weight.requires_grad_(False)
    cost = cost_of(module, torch.zeros(1, 1, 2, 4))
    assert cost.parameters == 64 + 16
    assert cost.trainable_parameters == 64 + 8
    assert cost.macs == 2 * 64
    # 64 + 8 + 8 weights and two running statistics in float32, one int64 counter
    assert cost.weights_mb == pytest.approx((4 * (64 + 16 + 16) + 8) / 1e6)


class Picky(nn.Module):
    """Refuses meta at build and at run time, as some users' own files do."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.width = int(torch.linspace(1, 4, 4)[-1].item())
        self.linear = nn.Linear(side * side, 30)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        if pictures.sum().item() > 1e9:
            raise ValueError("too bright")
        coordinates: torch.Tensor = self.linear(pictures.flatten(1))
        return coordinates


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = dict(registry._REGISTRY)

    def picky(*, side: int = 96) -> nn.Module:
        return Picky(side)

    entries["picky"] = architectures.Architecture("picky", picky, "computes with values")
    monkeypatch.setattr(registry, "_REGISTRY", entries)


@pytest.mark.usefixtures("registered")
def test_a_model_that_computes_with_values_is_counted_on_the_cpu() -> None:
    cost = count_cost("picky")
    assert cost.parameters == 96 * 96 * 30 + 30
    assert cost.macs == 96 * 96 * 30


def test_the_mirrored_picture_is_a_second_pass() -> None:
    once, twice = count_cost("plain_cnn"), count_cost("plain_cnn", flip=True)
    assert twice.macs == 2 * once.macs
    assert (twice.parameters, twice.weights_mb) == (once.parameters, once.weights_mb)


def test_costs_follow_the_scheme() -> None:
    usual = count_cost("resnet_custom")
    colour = scheme_of_names(tuple(f"joint_{number}" for number in range(21)), 192, 3)
    larger = count_cost("resnet_custom", {}, colour)
    stem, maps = 2 * 16 * 9, (21 - 15) * (64 * 9 + 1)
    assert larger.parameters == usual.parameters + stem + maps
    assert larger.macs > 3.5 * usual.macs


def test_a_network_that_cannot_take_the_frame_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\n"
        "def fixed(*, keypoints=15, side_px=96):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(9216, 2 * keypoints))\n\n\n"
        "def misses(*, keypoints=15, side_px=96):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(side_px**2, 30))\n"
    )
    other = scheme_of_names(("nose", "ear"), 64)
    fixed, misses = (architectures.get(f"{tmp_path}/net.py:{name}") for name in ("fixed", "misses"))
    refuse_misfit(fixed, {}, SEED_SCHEME)
    with pytest.raises(ModelError, match=r"net.py:fixed: cannot run on 1x64x64 pictures \(mat1 and mat2"):
        refuse_misfit(fixed, {}, other)
    with pytest.raises(ModelError, match=r"net.py:misses: answers \(2, 30\) to two pictures of 1x64x64, .*\(2, 4\)"):
        refuse_misfit(misses, {}, other)
    with pytest.raises(architectures.ArchitectureError, match="'side_px' is no option"):
        lay_out(fixed, {"side_px": 64})


@pytest.mark.usefixtures("registered")
def test_a_model_that_cannot_run_is_named() -> None:
    with pytest.raises(ModelError, match="picky"):
        count_cost("picky", {"side": 7})
    with pytest.raises(architectures.ArchitectureError, match=r"unknown model 'pickyy'.*picky"):
        count_cost("pickyy")
