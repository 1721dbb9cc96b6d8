"""timm's backbones by name: what runs, what is refused and why, and whose weights are taken."""

import os
import socket
import time
from pathlib import Path

import huggingface_hub
import pytest
import torch
from safetensors.torch import save_file

import architectures
from architectures import ArchitectureError, timm_backbones
from architectures.machinery import timm_fitting, timm_weights
from architectures.machinery.registry import Dimensions

timm = pytest.importorskip("timm")


def pictures(rows: int = 2) -> torch.Tensor:
    return torch.randn(rows, 1, 96, 96, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_100", "vit_tiny_patch16_224", "resnet18.a1_in1k"])
def test_any_backbone_by_its_own_name(name: str) -> None:
    with torch.inference_mode():
        assert architectures.build(f"timm:{name}").eval()(pictures()).shape == (2, 30)


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny", "timm:swin_tiny_patch4_window7_224", "hrnet_small"])
def test_heatmap_head_over_the_backbones_maps(name: str) -> None:
    module = architectures.build(name)
    assert module(pictures()).shape == (2, 30)
    flat = architectures.build(name, head="regression")
    assert sum(one.numel() for one in module.parameters()) != sum(one.numel() for one in flat.parameters())


def test_a_backbone_without_maps_is_refused_for_the_heatmap_head() -> None:
    with pytest.raises(ArchitectureError, match="head 'heatmap'"):
        architectures.build("timm:mixer_s32_224", head="heatmap")
    assert timm_backbones.usual_head("mixer_s32_224") == "regression"
    assert timm_backbones.usual_head("resnet34") == "heatmap"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("timm:halonet26t", "cannot run at 1x96x96"),
        ("timm:efficientformer_l1", "cannot run at 1x96x96"),
        ("timm:resnet181", "did you mean timm:resnet18"),
        ("timm:../../x", "timm has none of that name"),
        ("timm:hf-hub:someone/net", "timm has none of that name"),
    ],
)
def test_what_cannot_run_is_refused_by_name_with_a_reason(name: str, reason: str) -> None:
    with pytest.raises(ArchitectureError, match=reason) as refused:
        architectures.build(name)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_first_build_draws_the_weights_of_the_second() -> None:
    timm_fitting.size_arguments.cache_clear()
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(architectures.build("mobilenetv3_small").state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_a_curated_dozen_has_short_names() -> None:
    entry = architectures.registered()["resnet18"]
    assert entry.family == "timm"
    assert len(timm_backbones.CURATED) == 12
    assert {"pretrained", "weights", "head"} <= set(entry.option_names())


def test_one_network_has_one_recipe_under_both_names() -> None:
    for one in timm_backbones.CURATED:
        short, long = architectures.get(one.name), architectures.get(f"timm:{one.timm_name}")
        assert (short.recipe, short.space) == (long.recipe, long.space)


@pytest.mark.parametrize("name", [*(one.name for one in timm_backbones.CURATED), "timm:vgg11", "timm:densenet121"])
def test_every_option_of_a_search_space_is_taken(name: str) -> None:
    entry = architectures.get(name)
    with torch.device("meta"):
        entry.build(**{option: bounds["high"] for option, bounds in entry.space.items()})


def published(name: str, classes: int = 1000) -> "dict[str, torch.Tensor]":
    torch.manual_seed(11)
    state: dict[str, torch.Tensor] = timm.create_model(name, num_classes=classes).state_dict()
    return state


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_local_weights_fill_the_backbone_and_sum_its_stem(tmp_path: Path, suffix: str) -> None:
    state = published("resnet18")
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save({"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}}, path)
    else:
        save_file(state, path)
    flat = {"weights": str(path), "head": "regression"}
    loaded = architectures.build("resnet18", **flat).state_dict()
    assert torch.equal(loaded["layer3.0.conv1.weight"], state["layer3.0.conv1.weight"])
    assert torch.allclose(loaded["conv1.weight"], state["conv1.weight"].sum(1, keepdim=True), atol=1e-6)
    assert loaded["fc.weight"].shape == (30, 512)
    colour = architectures.build("resnet18", **flat, channels=3, keypoints=4, side_px=128).state_dict()
    assert torch.equal(colour["conv1.weight"], state["conv1.weight"])
    assert colour["fc.weight"].shape == (8, 512)


def test_weights_serve_the_heatmap_head_and_other_sizes(tmp_path: Path) -> None:
    path = tmp_path / "vit.safetensors"
    state = published("vit_tiny_patch16_224")
    save_file(state, path)
    flat = architectures.build("vit_tiny", weights=str(path), head="regression").state_dict()
    assert flat["pos_embed"].shape == (1, 37, 192)
    maps = architectures.build("vit_tiny", weights=str(path)).state_dict()
    assert any(torch.equal(value, state["blocks.3.mlp.fc1.weight"]) for value in maps.values())


@pytest.mark.parametrize(
    ("model", "other"),
    [
        ("resnet18", "resnet34"),
        ("timm:resnet34", "resnet18"),
        ("resnet18", "mobilenetv3_small_100"),
        ("resnet18", "resnet50"),
    ],
)
def test_weights_of_another_architecture_are_refused(tmp_path: Path, model: str, other: str) -> None:
    path = tmp_path / "other.safetensors"
    save_file(published(other), path)
    with pytest.raises(ArchitectureError, match="not the weights of") as refused:
        architectures.build(model, weights=str(path))
    assert "\n" not in str(refused.value)


class Bomb:
    def __reduce__(self) -> "tuple[object, tuple[str]]":
        return (os.mkdir, ("exploded",))


def test_weights_with_code_in_them_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"conv1.weight": Bomb()}, tmp_path / "bomb.pth")
    with pytest.raises(ArchitectureError, match="nothing of it was run"):
        architectures.build("resnet18", weights="bomb.pth")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".txt"])
@pytest.mark.parametrize("content", [b"", b"hello, this is no weights file", b"\x00" * 4096])
def test_damaged_weights_are_one_clear_line(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(ArchitectureError, match=path.name) as refused:
        architectures.build("resnet18", weights=str(path))
    assert "\n" not in str(refused.value)


def test_weights_named_by_numbers_are_one_clear_line(tmp_path: Path) -> None:
    torch.save({0: torch.zeros(3), 1: torch.zeros(3)}, tmp_path / "weights.pth")
    with pytest.raises(ArchitectureError, match=r"weights\.pth: holds no named tensors"):
        architectures.build("resnet18", weights=str(tmp_path / "weights.pth"))


def test_missing_weights_and_contradictions() -> None:
    with pytest.raises(ArchitectureError, match="no such file"):
        architectures.build("resnet18", weights="nowhere.pth")
    with pytest.raises(ArchitectureError, match="exclude each other"):
        architectures.build("resnet18", weights="nowhere.pth", pretrained=True)
    for wrong in ("False", "no", 0):
        with pytest.raises(ArchitectureError, match=r"pretrained is .*, expected true or false"):
            architectures.build("resnet18", pretrained=wrong)
    with pytest.raises(ArchitectureError, match="weights is 3, expected"):
        architectures.build("resnet18", weights=3)
    with pytest.raises(ArchitectureError, match="publishes no weights"):
        architectures.build("timm:coatnet_0_224", pretrained=True)


def test_without_a_network_pretrained_fails_within_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    assert timm_weights.REACH_TIMEOUT_S < 1
    monkeypatch.setattr(timm_weights, "REACH_TIMEOUT_S", 0.1)  # so that a busy machine does not decide the test
    timm_fitting.size_arguments("resnet18", Dimensions())
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        started = time.perf_counter()
        with pytest.raises(ArchitectureError, match=r"cannot be fetched \(no answer from 127.*weights=FILE"):
            architectures.build("resnet18", pretrained=True)
        assert time.perf_counter() - started < 1.0


def test_what_is_in_the_hubs_cache_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.file_download.constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--timm--resnet18.a1_in1k"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    state = published("resnet18")
    save_file(state, snapshot / "model.safetensors")
    loaded = architectures.build("resnet18", pretrained=True).state_dict()
    assert any(torch.equal(value, state["layer1.0.conv1.weight"]) for value in loaded.values())


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "resnet18", "vit_tiny_patch16_224"])
@pytest.mark.parametrize("head", ["regression", "heatmap"])
def test_weights_see_grey_pictures_as_they_were_trained(tmp_path: Path, name: str, head: str) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(published(name), path)
    ours = architectures.build(f"timm:{name}", weights=str(path), head=head).eval()
    seen: list[torch.Tensor] = []
    first = next(layer for layer in ours.modules() if isinstance(layer, torch.nn.Conv2d))
    first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    grey = torch.rand(2, 1, 96, 96)
    ours((grey - 0.449) / 0.226)
    known = timm.models.get_pretrained_cfg(name)
    wanted = (grey - sum(known.mean) / 3) / (sum(known.std) / 3)
    assert torch.allclose(seen[0][..., :96, :96], wanted, atol=1e-4)
