"""Recipes of the networks' own: pictures that grow, and the preset that takes longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.config.loading import load_config
from bench.config.recipe import Recipe
from bench.errors import ConfigError
from bench.running.variants import network_variant
from bench.scheme import SEED_SCHEME


@given(st.integers(1, 200), st.floats(0, 0.99))
def test_pictures_never_shrink_and_end_at_the_frames_side(epochs: int, fraction: float) -> None:
    recipe = Recipe(epochs=epochs, growing_fraction=fraction)
    sides = [recipe.side_px(epoch, SEED_SCHEME) for epoch in range(epochs)]
    assert sides == sorted(sides)
    assert sides[-1] == 96
    assert sum(side < 96 for side in sides) == int(fraction * epochs)
    assert set(sides) <= {48, 64, 96}


def test_twenty_epochs() -> None:
    recipe = Recipe(epochs=20, growing_fraction=0.6)
    assert [recipe.side_px(epoch, SEED_SCHEME) for epoch in range(20)] == [48] * 6 + [64] * 6 + [96] * 8


def test_a_network_that_takes_one_size_only_is_refused_by_name() -> None:
    config = load_config(None, ("recipe.growing_fraction=0.5",), {"models": ("plain_cnn",)})
    with pytest.raises(ConfigError, match=r"model plain_cnn: recipe.growing_fraction is 0.5.* no pictures of 48 px"):
        network_variant(config, "plain_cnn")
    network_variant(config, "heatmap_net")


def test_the_accurate_preset_changes_what_a_network_has_for_it_and_what_is_typed_still_wins(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def recipe(model: str, *assignments: str) -> Recipe:
        config = load_config(None, assignments, {"models": (model,), "preset": "accurate"})
        return network_variant(config, model).network_recipe

    usual = network_variant(load_config(None, (), {"models": ("plain_cnn",)}), "plain_cnn").network_recipe
    assert recipe("plain_cnn") == usual.model_copy(update={"epochs": 48})
    assert recipe("plain_cnn", "recipe.epochs=7").epochs == 7
    assert not caplog.records
    assert recipe("naimishnet") == network_variant(load_config(None, (), {}), "naimishnet").network_recipe
    assert "naimishnet: has no accurate recipe" in caplog.text


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--recipe: run\.preset is .best."):
        load_config(None, (), {"preset": "best"})
