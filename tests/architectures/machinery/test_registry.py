"""The registry is explicit: duplicates are refused, unknown names and options answered with the nearest ones."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import architectures
from architectures import ArchitectureError, build
from architectures.machinery.registry import register


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ArchitectureError, match="two architectures are named 'plain_cnn'"):
        register("plain_cnn", summary="another")(lambda: None)  # type: ignore[arg-type,return-value]


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ArchitectureError, match=r"unknown model 'plane_cnn' \(did you mean plain_cnn\?\)"):
        architectures.build("plane_cnn")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widht": 3}, r"unknown option 'widht' \(did you mean width\?\)"),
        ({"width": 0}, "width is 0, expected"),
        ({"width": "wide"}, "plain_cnn: "),
    ],
)
def test_options_are_refused_by_name(options: dict[str, object], message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        architectures.build("plain_cnn", **options)


def test_the_registry_cannot_be_changed_from_outside() -> None:
    with pytest.raises(TypeError):
        architectures.registered()["other"] = None  # type: ignore[index]


def test_any_network_starts_from_a_file_of_its_own_weights(tmp_path: Path) -> None:
    trained = build("plain_cnn", width=8)
    save_file(trained.state_dict(), tmp_path / "a.safetensors")
    started = build("plain_cnn", width=8, weights=str(tmp_path / "a.safetensors"))
    assert all(torch.equal(started.state_dict()[name], value) for name, value in trained.state_dict().items())
    with torch.device("meta"):
        build("plain_cnn", width=8, weights=str(tmp_path / "a.safetensors"))


@pytest.mark.parametrize("model", ["resnet_custom", "plain_cnn"])
def test_weights_of_another_network_or_other_options_are_refused(tmp_path: Path, model: str) -> None:
    save_file(build("plain_cnn", width=8).state_dict(), tmp_path / "a.safetensors")
    with pytest.raises(ArchitectureError, match=rf"model {model}: weights .*not the weights of this network"):
        build(model, weights=str(tmp_path / "a.safetensors"))


def picky(*, width: int = 2, keypoints: int = 15) -> nn.Module:
    return nn.Linear(width, 2 * keypoints)


def test_a_builder_gets_the_dimensions_that_it_names() -> None:
    entry = architectures.Architecture("picky", picky, "takes any number of points, one frame")
    built = entry.build(keypoints=4, side_px=96, channels=1, width=3)
    assert isinstance(built, nn.Linear)
    assert built.weight.shape == (8, 3)
    assert entry.option_names() == ["width"]
    assert entry.option_defaults() == {"width": 2}


@pytest.mark.parametrize(("dimension", "value"), [("side_px", 128), ("channels", 3)])
def test_a_dimension_that_a_builder_does_not_name_is_refused_by_name(dimension: str, value: int) -> None:
    entry = architectures.Architecture("picky", picky, "takes any number of points, one frame")
    with pytest.raises(ArchitectureError, match=rf"model picky: made for {dimension}=.*have {value}; .*'{dimension}'"):
        entry.build(**{dimension: value})


def test_two_stars_take_every_dimension() -> None:
    def taken(**dimensions: int) -> nn.Module:
        return nn.Linear(dimensions["side_px"], dimensions["keypoints"] + dimensions["channels"])

    built = architectures.Architecture("taken", taken, "any").build(keypoints=4, side_px=64, channels=3)
    assert isinstance(built, nn.Linear)
    assert built.weight.shape == (7, 64)


def test_a_keyword_that_means_something_else_is_refused() -> None:
    def wide(*, channels: int = 32) -> nn.Module:
        return nn.Linear(channels, 30)

    with pytest.raises(ArchitectureError, match=r"model wide: its 'channels' is 32 by default.*rename it"):
        architectures.Architecture("wide", wide, "uses the name for its width").build()


def test_dimensions_are_no_options() -> None:
    with pytest.raises(ArchitectureError, match="'channels' is no option"):
        architectures.get("plain_cnn").refuse_unknown_options({"width": 8, "channels": 3})
