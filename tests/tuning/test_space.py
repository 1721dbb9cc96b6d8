"""Search spaces: the built-in one of every architecture, files that change it, and bad ones refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import architectures
from bench.config.recipe import Recipe
from bench.errors import ConfigError
from bench.scheme import SEED_SCHEME, scheme_of_names
from bench.tuning.parameters import Range, split_params
from bench.tuning.sampling import distributions
from bench.tuning.space import search_space

WING = Recipe(loss="wing", lr=3e-3)
"""Fixed here, so that better defaults change no test."""


def space_of(tmp_path: Path, text: str, model: str = "plain_cnn") -> dict[str, Range]:
    file = tmp_path / "space.toml"
    file.write_text(text)
    entry = architectures.get(model)
    return {one.name: one.range for one in search_space(entry, {"width": 16}, WING, file)}


@pytest.mark.parametrize("name", list(architectures.registered()))
def test_the_built_in_space_of_every_architecture_holds_its_defaults(name: str) -> None:
    entry = architectures.get(name)
    recipe = Recipe(**dict(entry.recipe))  # type: ignore[arg-type]
    space = search_space(entry, dict(entry.options), recipe)
    assert {one.name for one in space} >= {f"options.{option}" for option in entry.space}
    assert all(one.range.holds(one.default) for one in space)
    assert set(distributions(space)) == {one.name for one in space}


def test_a_file_narrows_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    space = space_of(
        tmp_path,
        '[recipe.lr]\nlow = 2e-3\n[models."plain_cnn".width]\nlow = 12\nhigh = 20\n[recipe.loss]\nsearch = false\n'
        '[models."plain_cnn".recipe.contrast]\nhigh = 0.3\n',
    )
    assert (space["recipe.lr"].low, space["recipe.lr"].high, space["recipe.lr"].log) == (2e-3, 1.2e-2, True)
    assert (space["options.width"].low, space["options.width"].high) == (12, 20)
    assert "recipe.loss" not in space
    assert space["recipe.contrast"].high == 0.3
    assert "recipe.weight_decay" in space


def test_a_file_may_change_the_type_and_name_models_that_are_not_searched(tmp_path: Path) -> None:
    space = space_of(tmp_path, '[recipe.batch_size]\ntype = "int"\nlow = 9\nhigh = 64\n[models.simcc.width]\nlow = 8\n')
    assert space["recipe.batch_size"] == Range(type="int", low=9, high=64)


def test_a_file_can_replace_everything(tmp_path: Path) -> None:
    space = space_of(tmp_path, 'replace = true\n[recipe.lr]\ntype = "float"\nlow = 1e-3\nhigh = 1e-2\nlog = true\n')
    assert list(space) == ["recipe.lr"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[recipe.lr]\nlow = 1.0\nhigh = 0.1\n", r"low 1.0 is above high 0.1"),
        ("[recipe.lr]\nlow = 0.0\n", r"log range cannot reach 0.0"),
        ("[recipe.lr]\nlow = -1.0\n", r"log range cannot reach -1.0"),
        ("[recipe.learning_rate]\nlow = 1\n", r"recipe.learning_rate cannot be searched for plain_cnn"),
        ("[recipe.lr]\nlo = 1.0\n", r"unknown key 'recipe.lr.lo'; did you mean lo[wg]"),
        ("[recipe.flip]\nlow = 1\n", r"'recipe.flip.type' is missing"),
        ("[models.plain_cnn.widht]\nlow = 1\n", r"did you mean options.width"),
        ("[models.plain_cnn.width]\nhigh = 1000000\n", r"options.width = 1000000 is refused"),
        ("[models.plain_cnn.width]\nlow = 20\n", r"leaves out the default 16"),
        ("[models.plain_cnn.depth]\nhigh = 2.5\n", r"an int needs whole"),
        ("[recipe.brightness]\nhigh = 7.0\n", r"recipe.brightness is 7.0, .*less than or equal to 1"),
        ("[recipe.loss]\nchoices = []\n", r"a categorical needs choices"),
        ('[recipe.loss]\nchoices = ["wing", "hinge"]\n', r"recipe.loss is 'hinge', .*'wing'"),
        ('[recipe.loss]\nchoices = ["mse"]\n', r"leaves out the default 'wing'"),
        ("[recipe.shift_px]\nstep = 0.0\n", r"step 0.0 must be above 0"),
        ("[recipe.los]\nsearch = false\n", r"recipe.los cannot be searched .* did you mean recipe.loss"),
        ('[recipe.lr]\nsearch = "no"\n', r"search is 'no', .*valid boolean"),
        ('replace = "yes"\n', r"replace is 'yes'; write true or false"),
        ("[models.plane_cnn.width]\nlow = 1\n", r"unknown model 'plane_cnn' .did you mean plain_cnn"),
        ('[recipe.batch_size]\ntype = "float"\nlow = 16\nhigh = 64\n', r"recipe.batch_size is 45.\d+, .*integer"),
        ('[models.plain_cnn.width]\ntype = "categorical"\nchoices = [16, "wide"]\n', r"width = 'wide' is refused"),
        ("[run]\nfolds = 2\n", r"unknown key 'run'"),
        ("replace = true\n", r"nothing left to search"),
        ("recipe = 3\n", r"'recipe' must be a table"),
        ("[recipe]\nlr = 3\n", r"must be a table such as"),
        ("low = = 3", r"not valid TOML"),
    ],
)
def test_a_bad_space_is_one_line_that_names_the_thing(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        space_of(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert "space.toml" in str(caught.value)


def test_points_without_a_mirror_leave_nothing_about_mirroring_to_search(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text('[recipe.flip]\ntype = "categorical"\nchoices = [true, false]\n')
    entry = architectures.get("plain_cnn")
    assert "recipe.flip" in {one.name for one in search_space(entry, {}, Recipe(), file)}
    mouse = scheme_of_names(("nose", "tail"))
    assert "recipe.flip" not in {one.name for one in search_space(entry, {}, Recipe(), scheme=mouse)}
    with pytest.raises(ConfigError, match=r"recipe.flip cannot be searched: these points have no mirror"):
        search_space(entry, {}, Recipe(), file, mouse)


def test_the_learning_rate_is_searched_around_the_models_own() -> None:
    entry = architectures.get("plain_cnn")
    for lr in (1e-4, 0.05):
        space = {one.name: one.range for one in search_space(entry, {}, Recipe(lr=lr))}
        found = space["recipe.lr"]
        assert (found.low, found.high, found.log) == (pytest.approx(lr / 4), pytest.approx(lr * 4), True)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        search_space(architectures.get("plain_cnn"), {}, Recipe(), tmp_path / "none.toml")


def test_a_recipe_outside_the_built_in_range_widens_it() -> None:
    entry = architectures.get("plain_cnn")
    recipe = Recipe(contrast=0.7, batch_size=48, weight_decay=0.0)
    space = {one.name: one.range for one in search_space(entry, {}, recipe)}
    assert space["recipe.contrast"].high == 0.7
    assert 48 in space["recipe.batch_size"].choices
    assert "recipe.weight_decay" not in space, "a log range cannot be widened to zero"


def test_an_own_loss_is_not_searched() -> None:
    space = search_space(architectures.get("plain_cnn"), {}, Recipe(loss="own"))
    assert "recipe.loss" not in {one.name for one in space}


@given(low=st.integers(0, 50), steps=st.integers(0, 20), step=st.integers(1, 5), value=st.integers(-10, 200))
def test_an_int_range_holds_its_grid_and_nothing_else(low: int, steps: int, step: int, value: int) -> None:
    found = Range(type="int", low=low, high=low + steps * step, step=step)
    assert found.holds(value) == (value in range(low, low + steps * step + 1, step))


def test_parameters_split_into_options_and_recipe() -> None:
    assert split_params({"options.width": 8, "recipe.lr": 0.1}) == ({"width": 8}, {"lr": 0.1})


def test_ends_of_a_range_are_built_for_the_datas_frame_and_no_other() -> None:
    def only_small(*, width: int = 8, side_px: int = 96) -> nn.Module:
        if side_px != 64:
            raise ValueError(f"side_px is {side_px}, expected 64")
        return nn.Sequential(nn.Flatten(), nn.Linear(64 * 64, width), nn.Linear(width, 30))

    entry = architectures.Architecture("small", only_small, "", space={"width": {"type": "int", "low": 4, "high": 16}})
    space = search_space(entry, {}, Recipe(), scheme=SEED_SCHEME.model_copy(update={"side_px": 64}))
    assert "options.width" in {one.name for one in space}
    with pytest.raises(ConfigError, match="side_px is 96, expected 64"):
        search_space(entry, {}, Recipe())
