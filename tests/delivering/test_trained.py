"""Weights: found, checked to belong to the model, and never a way to run code."""

import json
import os
import struct
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors.torch import load_file, save_file

from architectures import ArchitectureError
from bench.delivering.trained import WeightsChoice, load_trained
from bench.errors import ConfigError, ModelError
from bench.records.weight_facts import read_weights_facts, seen_data, write_weights
from bench.scheme import SEED_SCHEME
from tests.delivering.conftest import write_fitted, write_plain


def test_fitted_weights_are_found_by_the_models_name(tmp_path: Path, fitted: Path) -> None:
    trained = load_trained(WeightsChoice("plain_cnn", tmp_path / "results"))
    assert trained.file == fitted
    assert trained.facts.dataset == "faces.csv"
    assert not trained.module.training


def test_weights_from_before_schemes_are_for_the_usual_points(fitted: Path, tmp_path: Path) -> None:
    facts = read_weights_facts(fitted).model_dump(mode="json", exclude={"scheme"})
    save_file(load_file(fitted), fitted, {"keypoint-bench": json.dumps(facts)})
    assert load_trained(WeightsChoice(str(fitted), tmp_path)).facts.scheme == SEED_SCHEME


def test_a_weights_file_names_its_model_itself(fitted: Path, tmp_path: Path) -> None:
    assert load_trained(WeightsChoice(str(fitted), tmp_path)).facts.model == "plain_cnn"


def test_options_are_those_of_the_training(tmp_path: Path) -> None:
    path = write_fitted(tmp_path / "small.safetensors", "plain_cnn", width=8)
    small = load_trained(WeightsChoice("plain_cnn", tmp_path, path)).module
    wide = load_trained(WeightsChoice("plain_cnn", tmp_path, write_fitted(tmp_path / "wide.safetensors"))).module
    assert sum(one.numel() for one in small.parameters()) < sum(one.numel() for one in wide.parameters())


def test_pretrained_weights_are_not_fetched_again(tmp_path: Path) -> None:
    path = write_fitted(tmp_path / "a.safetensors", "mobilenetv3_small")
    facts = read_weights_facts(path).model_copy(update={"options": {"pretrained": True, "weights": None}})
    write_weights(path, load_file(path), facts)
    assert load_trained(WeightsChoice("mobilenetv3_small", tmp_path, path)).facts.options["pretrained"]


@pytest.mark.parametrize(
    ("model", "reason"),
    [("resnet_custom", "belong to 'plain_cnn', not to 'resnet_custom'"), ("plain_cmm", "belong to 'plain_cnn'")],
)
def test_weights_of_another_architecture(fitted: Path, tmp_path: Path, model: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        load_trained(WeightsChoice(model, tmp_path, fitted))


def test_weights_that_no_longer_fit(tmp_path: Path) -> None:
    path = write_fitted(tmp_path / "a.safetensors")
    write_weights(path, {"other": torch.zeros(2)}, read_weights_facts(path))
    with pytest.raises(ArchitectureError, match=r"not the weights of this network.*'plain_cnn' has changed.*bench fit"):
        load_trained(WeightsChoice("plain_cnn", tmp_path, path))


def test_a_recipe_that_this_bench_does_not_know(tmp_path: Path) -> None:
    path = write_fitted(tmp_path / "a.safetensors")
    write_weights(path, load_file(path), read_weights_facts(path).model_copy(update={"recipe": {"momentum": 0.9}}))
    with pytest.raises(
        ConfigError, match=r"a\.safetensors, of another version of bench: unknown key 'recipe\.momentum'"
    ):
        load_trained(WeightsChoice("plain_cnn", tmp_path, path))


def test_nothing_fitted_unknown_names_and_contradictions(tmp_path: Path, fitted: Path) -> None:
    with pytest.raises(ModelError, match="no fitted weights under"):
        load_trained(WeightsChoice("resnet_custom", tmp_path / "results"))
    for name in ("resnet_costum", "../../x"):
        with pytest.raises(ArchitectureError, match="unknown model"):
            load_trained(WeightsChoice(name, tmp_path / "results"))
    with pytest.raises(ModelError, match="exclude each other"):
        load_trained(WeightsChoice("plain_cnn", tmp_path, fitted, fold=0))


class Bomb:
    def __reduce__(self) -> "tuple[object, tuple[str]]":
        return (os.mkdir, ("exploded",))


@pytest.mark.parametrize("name", ["bomb.pth", "bomb.safetensors"])
def test_weights_with_code_in_them_run_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Bomb()}, name)
    with pytest.raises((ModelError, ArchitectureError), match=name):
        load_trained(WeightsChoice("plain_cnn", tmp_path, Path(name)))
    assert not Path("exploded").exists()


def test_a_weights_file_cannot_make_us_load_code(tmp_path: Path) -> None:
    code = tmp_path / "evil.py"
    code.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Net: pass\n")
    path = write_fitted(tmp_path / "a.safetensors")
    facts = read_weights_facts(path).model_copy(update={"model": f"{code}:Net"})
    write_weights(path, load_file(path), facts)
    with pytest.raises(ModelError, match="whose code you must name yourself"):
        load_trained(WeightsChoice(str(path), tmp_path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"\xff" * 64,
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 200_000) + b"[" * 200_000,
        struct.pack("<Q", 60) + json.dumps({"__metadata__": {"keypoint-bench": "{}"}}).ljust(60).encode(),
    ],
)
def test_damaged_weights_files_are_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"a\.safetensors") as refused:
        load_trained(WeightsChoice("plain_cnn", tmp_path, path))
    assert "\n" not in str(refused.value)


def test_weights_do_not_read_as_other_weights(tmp_path: Path) -> None:
    path = write_fitted(tmp_path / "a.safetensors", width=4)
    whole, content = read_weights_facts(path), path.read_bytes()
    start = 8 + struct.unpack("<Q", content[:8])[0]
    for bit in [*range(64, 8 * start, 97), *range(8 * start, 8 * len(content), len(content) // 5)]:
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            told = read_weights_facts(path)
        except ModelError:
            continue
        assert bit < 8 * start and told == whole  # the seal has another name now, or the layout other blanks
        same = safetensors.torch.load(content)  # in another order each time
        assert all(torch.equal(value, same[name]) for name, value in load_file(path).items())


def test_damaged_weights_are_neither_used_nor_started_from(tmp_path: Path) -> None:
    path = write_fitted(tmp_path / "a.safetensors")
    with path.open("r+b") as stream:
        stream.seek(-3, os.SEEK_END)
        stream.write(b"x")
    with pytest.raises(ModelError, match=r"a\.safetensors: damaged, they do not read as they were sealed"):
        load_trained(WeightsChoice("plain_cnn", tmp_path, path))
    with pytest.raises(ModelError, match=r"a\.safetensors: damaged"):
        seen_data(path)


def test_weights_from_before_there_were_seals_are_read(fitted: Path, tmp_path: Path) -> None:
    facts = read_weights_facts(fitted)
    save_file(load_file(fitted), fitted, {"keypoint-bench": facts.model_dump_json()})
    assert load_trained(WeightsChoice(str(fitted), tmp_path)).facts == facts == read_weights_facts(fitted)


def test_weights_from_elsewhere_and_missing_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not written by bench"):
        load_trained(WeightsChoice("plain_cnn", tmp_path, write_plain(tmp_path / "b.safetensors")))
    torch.save({"weight": torch.zeros(2)}, tmp_path / "b.pth")
    with pytest.raises(ModelError, match="not written by bench"):
        load_trained(WeightsChoice("plain_cnn", tmp_path, tmp_path / "b.pth"))
    with pytest.raises(ModelError, match="cannot be read"):
        load_trained(WeightsChoice("plain_cnn", tmp_path, tmp_path / "none.safetensors"))
