"""A key changes with everything that can change a cell's numbers, and with nothing else."""

from pathlib import Path

import pytest

from bench.records import keys
from bench.records.keys import code_digest, digest, variant_digest
from bench.records.schema import VariantFacts
from bench.scheme import scheme_of_names

BASE = {
    "options": {"width": 8},
    "recipe": {"lr": 0.1},
    "device": "cpu",
    "precision": "float32",
    "threads": 1,
    "code_digest": "aa",
    "versions": {"torch": "2"},
}


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"width": 9}},
        {"recipe": {"lr": 0.2}},
        {"device": "cuda"},
        {"precision": "bfloat16"},
        {"threads": 2},
        {"code_digest": "bb"},
        {"versions": {"torch": "3"}},
    ],
)
def test_each_fact_changes_the_variant(change: dict[str, object]) -> None:
    base = variant_digest("net", VariantFacts.model_validate(BASE))
    assert variant_digest("net", VariantFacts.model_validate({**BASE, **change})) != base
    assert variant_digest("other", VariantFacts.model_validate(BASE)) != base


def test_a_change_in_an_imported_neighbour_changes_the_code_digest(tmp_path: Path) -> None:
    net, layer = tmp_path / "net.py", tmp_path / "layer.py"
    net.write_text("import layer\n")
    layer.write_text("WIDTH = 1\n")
    before = code_digest([net])
    (tmp_path / "unrelated.py").write_text("x = 1\n")
    assert code_digest([net]) == before
    layer.write_text("WIDTH = 2\n")
    assert code_digest([net]) != before


@pytest.mark.parametrize("line", ["from parts.layer import W", "from parts import layer", "from parts import Block"])
def test_a_change_in_a_package_beside_changes_the_code_digest(tmp_path: Path, line: str) -> None:
    net, layer = tmp_path / "net.py", tmp_path / "parts" / "layer.py"
    layer.parent.mkdir()
    (tmp_path / "parts" / "__init__.py").write_text("from .layer import Block\n")
    net.write_text(f"import torch\n{line}\n")
    layer.write_text("W = 1\n")
    before = code_digest([net])
    layer.write_text("W = 2\n")
    assert code_digest([net]) != before


@pytest.mark.parametrize("line", ["from . import blocks", "from .blocks import B", "from theirs.nets.blocks import B"])
def test_a_change_elsewhere_in_an_installed_package_changes_the_code_digest(tmp_path: Path, line: str) -> None:
    folder = tmp_path / "theirs" / "nets"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").write_text("")
    (folder / "net.py").write_text(f"{line}\n")
    (folder / "blocks.py").write_text("from ..blocks import C\n")
    (folder.parent / "blocks.py").write_text("C = 1\n")  # of the same name
    before = code_digest([folder / "net.py"])
    (folder.parent / "blocks.py").write_text("C = 2\n")
    assert code_digest([folder / "net.py"]) != before


def test_libraries_beside_an_installed_module_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "site-packages"
    (folder / "torch").mkdir(parents=True)
    (folder / "torch" / "__init__.py").write_text("x = 1\n")
    (folder / "net.py").write_text("import torch\n")
    before = code_digest([folder / "net.py"])
    (folder / "torch" / "__init__.py").write_text("x = 2\n")
    assert code_digest([folder / "net.py"]) == before


def test_a_users_folder_may_bear_a_name_of_benchs(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    net, scheme = tmp_path / "bench" / "net.py", tmp_path / "bench" / "scheme.py"
    net.write_text("import scheme\nimport bench.scheme\n")
    scheme.write_text("WIDTH = 1\n")
    before = code_digest([keys.PROJECT / "bench" / "scheme.py", net], net.parent)
    scheme.write_text("WIDTH = 2\n")
    assert code_digest([keys.PROJECT / "bench" / "scheme.py", net], net.parent) != before


def test_modules_that_import_each_other_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("import two\n")
    (tmp_path / "two.py").write_text("import one\n")
    assert code_digest([tmp_path / "one.py"])


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (
            '"""Of other words."""\n# a remark\nWIDTH = (\n    1\n)\n"""It."""\n\n\ndef f():\n    return WIDTH\n',
            True,
        ),
        ('WIDTH = 1\ndef f():\n    """What f does."""\n    return WIDTH\n', True),
        ("WIDTH = 2\ndef f():\n    return WIDTH\n", False),
        ("WIDTH = 1\ndef f():\n    return 'WIDTH'\n", False),
    ],
)
def test_only_what_code_does_counts(tmp_path: Path, text: str, same: bool) -> None:
    net, layer = tmp_path / "net.py", tmp_path / "layer.py"
    net.write_text("import layer\n")
    layer.write_text("WIDTH = 1\ndef f():\n    return WIDTH\n")
    before = code_digest([net])
    layer.write_text(text)
    assert (code_digest([net]) == before) is same


def test_what_came_later_counts_only_where_it_is_not_the_default_and_a_place_never() -> None:
    base = VariantFacts.model_validate(BASE)
    assert variant_digest("net", base.model_copy(update={"source": "nets.net"})) == variant_digest("net", base)
    stored = base.model_dump(mode="json", exclude={"source", "beside", "scheme", "tuned", "predict_precision"})
    assert variant_digest("net", base) == digest({"model": "net", **stored})
    for other in ({"scheme": scheme_of_names(("a", "b"))}, {"predict_precision": "bfloat16"}):
        assert variant_digest("net", base.model_copy(update=other)) != variant_digest("net", base)
