"""Pictures that grow: which epochs see which side, and who may not be shown them."""

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
