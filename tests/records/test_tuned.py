"""What was found: readable, usable as --config, and honest about what it is."""

from pathlib import Path

import numpy as np
import pytest

from bench.config.loading import load_config
from bench.config.tuning import parse_duration
from bench.errors import ConfigError
from bench.records.tuned import FoldFinding, TunedParameters, all_tuned, found_path, load_tuned, write_tuned
from bench.tuning.findings import judge

OPTIONS = {"width": 48, "dropout": 0.1234567890123}
RECIPE = {"lr": 1.5e-05, "loss": "mse", "flip": True, "batch_size": 16}


def finding(outer_fold: int = 0, **changes: object) -> FoldFinding:
    facts: dict[str, object] = {
        "outer_fold": outer_fold,
        "study": "plain_cnn fold 0 abc",
        "options": OPTIONS,
        "recipe": RECIPE,
        "improved": True,
        "inner_default_px": 3.0,
        "inner_best_px": 2.5,
        "outer_default_px": 2.4,
        "outer_best_px": 2.2,
        "difference_px": 0.2,
        "interval_px": (0.1, 0.3),
        "trials": {"complete": 4, "pruned": 5, "failed": 1},
    }
    return FoldFinding.model_validate({**facts, **changes})


def tuned(model: str = "plain_cnn", **changes: object) -> TunedParameters:
    facts: dict[str, object] = {
        "model": model,
        "mode": "plain",
        "protocol": "p",
        "folds": (finding(),),
        "adopted": True,
        "verdict": "Tuned is better.",
        "search_epochs": 12,
        "epochs": 40,
    }
    return TunedParameters.model_validate({**facts, **changes})


@pytest.mark.parametrize("model", ["plain_cnn", "timm:resnet18.a1_in1k", 'my nets/"quoted".py:Net'])
def test_the_file_is_a_configuration_with_exactly_what_was_found(tmp_path: Path, model: str) -> None:
    path = write_tuned(tmp_path, tuned(model))
    assert path == found_path(tmp_path, model)
    assert path.parent == tmp_path / "tuning"
    config = load_config(path)
    assert config.models[model].options == OPTIONS
    assert config.models[model].recipe == RECIPE
    assert config.tuned[model].protocol == "p"
    assert load_tuned(tmp_path, model) == tuned(model)


def test_a_name_of_plain_letters_is_the_file_name(tmp_path: Path) -> None:
    assert write_tuned(tmp_path, tuned()).name == "plain_cnn.toml"
    assert [one.model for one in all_tuned(tmp_path)] == ["plain_cnn"]


def test_what_was_not_adopted_leaves_the_defaults_but_can_be_read(tmp_path: Path) -> None:
    path = write_tuned(tmp_path, tuned(adopted=False, verdict="Not better: the defaults stay."))
    config = load_config(path)
    assert config.models["plain_cnn"].options == {} and config.models["plain_cnn"].recipe == {}
    assert not config.tuned
    text = path.read_text()
    assert "# width = 48" in text and "Not better: the defaults stay." in text
    assert load_tuned(tmp_path, "plain_cnn").options == {}


def test_each_fold_of_a_nested_search_has_its_own_parameters() -> None:
    nested = tuned(mode="nested", folds=(finding(0), finding(1, options={"width": 16}, recipe={})))
    assert nested.for_fold(0) == (OPTIONS, RECIPE)
    assert nested.for_fold(1) == ({"width": 16}, {})
    with pytest.raises(ConfigError, match="not reached outer fold 2"):
        nested.for_fold(2)


def test_nothing_searched_says_what_to_do(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError, match="run `bench tune --models plain_cnn` first"):
        load_tuned(tmp_path, "plain_cnn")
    path = write_tuned(tmp_path, tuned()).with_suffix(".json")
    path.write_text("{")
    assert all_tuned(tmp_path) == []
    assert f"{path}: damaged record set aside" in caplog.text
    assert path.with_name("plain_cnn.json.damaged").read_text() == "{"
    with pytest.raises(ConfigError, match="run `bench tune --models plain_cnn` first"):
        load_tuned(tmp_path, "plain_cnn")


@pytest.mark.parametrize(("found", "other"), [('"width": 48', '"width": 49'), ('"adopted": true', '"adopted": false')])
def test_other_parameters_than_were_found_are_damage(tmp_path: Path, found: str, other: str) -> None:
    path = write_tuned(tmp_path, tuned()).with_suffix(".json")
    text = path.read_text()
    assert text.count(found) == 1
    path.write_text(text.replace(found, other))
    with pytest.raises(ConfigError, match="nothing sound found for plain_cnn"):
        load_tuned(tmp_path, "plain_cnn")


def test_a_flipped_bit_never_gives_other_parameters(tmp_path: Path) -> None:
    path = write_tuned(tmp_path, tuned()).with_suffix(".json")
    content = path.read_bytes()
    refused = 0
    for bit in np.random.default_rng(0).integers(0, len(content) * 8, 300):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        found = all_tuned(tmp_path)
        assert found in ([], [tuned()])  # a bit of the seal's own name takes it away, and changes nothing
        refused += found == []
    assert refused > 280


def test_what_was_found_before_there_were_seals_is_read_and_belongs_to_its_own_model(tmp_path: Path) -> None:
    path = write_tuned(tmp_path, tuned()).with_suffix(".json")
    path.write_text(tuned().model_dump_json(by_alias=True, indent=1) + "\n")
    assert load_tuned(tmp_path, "plain_cnn") == tuned()
    path.write_text(path.read_text().replace('"loss": "mse"', '"loss": "mze"'))
    with pytest.raises(ConfigError, match=r"plain_cnn\.json, damaged or of another version of bench: .*loss.*mze"):
        load_tuned(tmp_path, "plain_cnn")
    path.rename(path.with_name("resnet_custom.json"))
    with pytest.raises(ConfigError, match="nothing sound found for resnet_custom"):
        load_tuned(tmp_path, "resnet_custom")


def test_the_optimism_gap_is_the_gain_inside_less_the_gain_outside() -> None:
    assert finding().optimism_gap_px == pytest.approx(0.5 - 0.2)
    assert finding(outer_best_px=None).optimism_gap_px is None


@pytest.mark.parametrize(
    ("changes", "adopted", "words"),
    [
        ({}, True, "Tuned is better on outer fold 0"),
        ({"interval_px": (-0.1, 0.3)}, False, "not shown to be better"),
        ({"interval_px": (-0.3, -0.1)}, False, "Tuned is worse"),
        ({"improved": False}, False, "No trial beat the defaults"),
        ({"outer_best_px": None}, False, "comparison on the outer fold failed"),
        ({"options": {}, "recipe": {}}, False, "No trial was completed"),
        ({"options": {}, "recipe": {}, "defaults_allowed": False}, False, "though they break them"),
        ({"interval_px": (-0.3, -0.1), "defaults_allowed": False}, True, "The defaults break the limits"),
    ],
)
def test_the_verdict_in_words(changes: dict[str, object], adopted: bool, words: str) -> None:
    decided, verdict = judge([finding(**changes)], nested=False)
    assert decided is adopted
    assert words in verdict
    assert adopted or "the defaults stay" in verdict


def test_a_nested_verdict_pools_the_outer_folds() -> None:
    decided, verdict = judge([finding(0), finding(1, outer_default_px=2.0, outer_best_px=2.1)], nested=True)
    assert decided
    assert "tuned is lower on 1 of them" in verdict
    assert f"default {((2.4**2 + 2.0**2) / 2) ** 0.5:.3f} px" in verdict


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("90s", 90), ("1h30m", 5400), ("45", 45), ("0.5h", 1800)])
def test_times_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "30 minutes", "-5m", "0m", "m30", "5m!"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--budget"):
        parse_duration(text)
