"""Exports give the same coordinates, whatever the architecture and the batch."""

from pathlib import Path

import numpy as np
import pytest
import torch

import architectures
from bench.delivering import exporting
from bench.delivering.trained import WeightsChoice, load_trained
from bench.errors import ModelError
from bench.training.portable import write_pt2
from tests.conftest import draw_rows
from tests.delivering.conftest import MOUSE, write_fitted

OURS = [name for name, entry in architectures.registered().items() if entry.family != "timm"]
BACKBONES = ["resnet18", "mobilenetv3_small", "convnext_atto", "vit_tiny"]


@pytest.mark.slow
@pytest.mark.parametrize("model", [*OURS, *BACKBONES])
def test_onnx_of_every_family(tmp_path: Path, model: str) -> None:
    trained = load_trained(WeightsChoice(str(write_fitted(tmp_path / "a.safetensors", model, flip=True)), tmp_path))
    exported = exporting.export(trained, "onnx", tmp_path / "a.onnx", draw_rows(256)[0])
    assert exported.faces == 256
    assert exported.largest_difference_px < 0.01
    assert exported.path.is_file()


@pytest.mark.slow
@pytest.mark.parametrize("model", [*OURS, *BACKBONES])
def test_torch_archive_of_every_family(tmp_path: Path, model: str) -> None:
    trained = load_trained(WeightsChoice(str(write_fitted(tmp_path / "a.safetensors", model)), tmp_path))
    exported = exporting.export(trained, "pt2", tmp_path / "a.pt2", draw_rows(256)[0])
    assert exported.largest_difference_px < 0.01


def test_an_archive_says_what_goes_in_and_comes_out(tmp_path: Path) -> None:
    file = write_fitted(tmp_path / "a.safetensors", scheme=MOUSE, flip=True)
    trained = load_trained(WeightsChoice(str(file), tmp_path))
    frames = np.random.default_rng(0).integers(0, 256, (20, 128, 128, 3), dtype=np.uint8)
    assert exporting.export(trained, "pt2", tmp_path / "a.pt2", frames).largest_difference_px < 0.01
    metadata = dict.fromkeys(("input", "output", "keypoints"), "")
    torch.export.load(tmp_path / "a.pt2", extra_files=metadata)
    assert metadata["input"].startswith("float32 (batch, 3, 128, 128), red, green, blue 0 to 255")
    assert metadata["output"].startswith("float32 (batch, 4, 2), x then y in pixels of the 128x128 frame")
    assert metadata["keypoints"] == "snout,left_ear,right_ear,tailbase"


def test_no_batch_is_too_large_for_an_archive(tmp_path: Path) -> None:
    """Guards on the batch size would show here; the network is the smallest that has any."""
    write_pt2(torch.nn.Flatten(), torch.zeros(2, 1, 96, 96), tmp_path / "a.pt2", {})
    assert exporting.pt2_runner(tmp_path / "a.pt2")(np.zeros((5_000, 1, 96, 96), np.float32)).shape == (5_000, 9_216)


@pytest.mark.slow
def test_an_export_that_differs_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = load_trained(WeightsChoice(str(write_fitted(tmp_path / "a.safetensors")), tmp_path))
    honest = exporting.onnx_runner

    def shifted(path: Path) -> exporting.Run:
        run = honest(path)
        return lambda pictures: run(pictures) + np.float32(0.02)

    monkeypatch.setattr(exporting, "onnx_runner", shifted)
    with pytest.raises(ModelError, match=r"differs by 0\.02 px"):
        exporting.export(trained, "onnx", tmp_path / "a.onnx", draw_rows(4)[0])
    assert not (tmp_path / "a.onnx").exists()
