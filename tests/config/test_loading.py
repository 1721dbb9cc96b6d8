"""File, --set and options are merged in that order, and what is unknown is refused in one line."""

from pathlib import Path

import pytest

from bench.config.loading import load_config, parse_assignment
from bench.config.settings import QUICK_EPOCHS
from bench.errors import ConfigError


def test_options_override_set_overrides_file_overrides_defaults(tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    file.write_text("[run]\nfolds = 4\nseeds = 2\nseed = 9\n[recipe]\nlr = 0.5\n[models.plain_cnn]\nwidth = 24\n")
    config = load_config(file, ["run.seeds=3", "recipe.lr=0.25"], {"seed": 1, "folds": None})
    assert (config.run.folds, config.run.seeds, config.run.seed) == (4, 3, 1)
    assert config.recipe_for("plain_cnn", {}).lr == 0.25
    assert config.options_for("plain_cnn") == {"width": 24}


def test_an_architectures_own_recipe_stands_between_defaults_and_the_user() -> None:
    config = load_config(assignments=["recipe.lr=0.25", "models.timm:vit.tiny.recipe.weight_decay=0.3"])
    recipe = config.recipe_for("timm:vit.tiny", {"lr": 0.1, "batch_size": 7, "weight_decay": 0.2})
    assert (recipe.lr, recipe.batch_size, recipe.weight_decay) == (0.25, 7, 0.3)


def test_epochs_is_short_for_the_recipes_epochs() -> None:
    assert load_config(options={"epochs": 3}).recipe_for("any", {"epochs": 9}).epochs == 3


def test_what_is_typed_wins_over_the_file_everywhere(tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    file.write_text(
        "[recipe]\nlr = 0.1\nepochs = 50\n[models.net]\nlr = 7\n[models.net.recipe]\nlr = 0.2\nepochs = 60\n"
        "weight_decay = 0.3\n"
    )
    family = {"lr": 0.01, "batch_size": 7}

    def values(*assignments: str, **options: object) -> tuple[float, int]:
        config = load_config(file, assignments, options)
        assert config.options_for("net") == {"lr": 7}  # an option that only has the name
        recipe = config.recipe_for("net", family)
        assert (recipe.batch_size, recipe.weight_decay) == (7, 0.3)
        return recipe.lr, recipe.epochs

    assert values() == (0.2, 60)
    assert load_config(file).recipe_for("other", family).lr == 0.1
    assert values("recipe.lr=0.5") == (0.5, 60)
    assert values("recipe.lr=0.5", epochs=3) == (0.5, 3)
    assert values("models.net.recipe.lr=0.6", "recipe.lr=0.5") == (0.6, 60)


def test_models_may_be_one_string_everywhere() -> None:
    assert load_config(options={"models": "a, b"}).run.models == ("a", "b")
    assert load_config(assignments=["run.models=a,b"]).run.models == ("a", "b")
    with pytest.raises(ConfigError, match=r"^--models: run.models is 'a,,b', an empty name; write A,B"):
        load_config(options={"models": "a,,b"})
    with pytest.raises(ConfigError, match=r"^--workers: run.workers is 'x', expected auto or a number from 1"):
        load_config(options={"workers": "x"})


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("recipe.lr=1e-3", {"recipe": {"lr": 1e-3}}),
        ("run.groups=none", {"run": {"groups": "none"}}),
        ('models."timm:resnet18".pretrained=true', {"models": {"timm:resnet18": {"pretrained": True}}}),
        ("models.timm:vit.x.depth=2", {"models": {"timm:vit.x": {"depth": 2}}}),
    ],
)
def test_assignments_are_toml_values_or_plain_words(text: str, tree: dict[str, object]) -> None:
    assert parse_assignment(text) == tree


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("recipe.lrr=1", r"unknown key 'recipe.lrr'; did you mean lr\?"),
        ("recipe.epochs=0", r"recipe.epochs is 0, .*greater than or equal to 1"),
        ("run.folds=1", r"run.folds is 1"),
        ("fold=3", "unknown key 'fold'"),
        ("recipe.lr", "--set recipe.lr: expected KEY=VALUE"),
        ("recipe.lr=nan", "recipe.lr is nan"),
        ("recipe=3", "recipe is 3"),
        ("recipe.epochs=true", "recipe.epochs is True, true and false say nothing here"),
        ("run.threads=false", "run.threads is False, true and false say nothing here"),
        ("data.normaliser=true", "data.normaliser is True"),
        (f"recipe.lr={'9' * 5000}", "--set recipe.lr: no value that can be read"),
        (f"recipe.lr={'[' * 9000}", "--set recipe.lr: no value that can be read"),
        (f"{'a.' * 3000}x=1", r"^--set a[a.]{,60}: more than 20 tables"),
        ("run.workers=true", "run.workers is True, expected auto or a number"),
        ("models=3", "'models' must be a table"),
        ("models.plain_cnn.recipe.lrr=1", r"unknown key 'models.plain_cnn.recipe.lrr'; did you mean lr\?"),
        ("tuned.net.when=1", "'tuned.net.protocol' is missing"),
        ("run.workers=0", "run.workers is 0, .*greater than or equal to 1"),
        ("run.workers=x", "run.workers is 'x', "),
    ],
)
def test_refusals_name_key_and_value(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(assignments=[assignment])
    assert str(caught.value).startswith("--set ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    file.write_text("[run\n")
    with pytest.raises(ConfigError, match=r"bench\.toml: not valid TOML"):
        load_config(file)
    file.write_text(f"{'a.' * 3000}x = 1")
    with pytest.raises(ConfigError, match=r"bench\.toml: more than 20 tables"):
        load_config(file)
    for text in (f"lr = {'9' * 5000}", f"lr = {'[' * 9000}", "\xff"):
        file.write_text(text, encoding="latin-1")
        with pytest.raises(ConfigError, match=r"bench\.toml: not valid TOML"):
            load_config(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "absent.toml")


@pytest.mark.parametrize("key", ["tuning.storage", "tuning.storag", "tunin.storage", "tuning", "tuning.storage "])
@pytest.mark.parametrize("value", ['="postgresql://u:HUNTER2@h/d" ', '=["postgresql://u:HUNTER2@h/d"]', ' "HUNTER2@"'])
def test_what_may_be_a_password_is_not_shown(key: str, value: str) -> None:
    try:
        load_config(assignments=[key + value])
    except ConfigError as error:
        assert "HUNTER2" not in str(error)


def test_a_refusal_names_the_source_that_had_the_last_word(tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    file.write_text("[run]\nfolds = 4\ncell_timeout_s = -1\n")
    with pytest.raises(ConfigError, match=r"^--folds: run.folds is 1"):
        load_config(file, ["run.folds=0"], {"folds": 1, "cell_timeout_s": 2.0})
    with pytest.raises(ConfigError, match=r"^--set run.folds: run.folds is 0"):
        load_config(file, ["run.folds=0"], {"cell_timeout_s": 2.0})
    with pytest.raises(ConfigError, match=r"bench\.toml: run.cell_timeout_s is -1"):
        load_config(file, ["run.seeds=2"], {"folds": 5})
    with pytest.raises(ConfigError, match=r"^--cell-timeout: run.cell_timeout_s is 0"):
        load_config(file, [], {"cell_timeout_s": 0.0})


def test_the_option_quick_overrides_the_epochs_of_the_file_but_not_those_that_were_typed(tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    file.write_text("[recipe]\nepochs = 60\nlr = 0.5\n[models.net.recipe]\nepochs = 70\n")
    assert load_config(file).recipe_for("net", {}).epochs == 70
    assert load_config(file, ["run.quick=true"]).recipe_for("net", {}).epochs == QUICK_EPOCHS
    quick = load_config(file, options={"quick": True})
    assert (quick.recipe_for("net", {}).epochs, quick.recipe_for("net", {}).lr) == (QUICK_EPOCHS, 0.5)
    assert load_config(file, options={"quick": True, "epochs": 9}).recipe_for("net", {}).epochs == 9
    file.write_text("[run]\nquick = true\n[recipe]\nepochs = 60\n")
    assert load_config(file).recipe_for("net", {}).epochs == 60
