"""A key changes with everything that can change a cell's numbers, and with nothing else."""

from pathlib import Path

import pytest

from bench.records.keys import code_digest, variant_digest
from bench.records.schema import VariantFacts

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


def test_modules_that_import_each_other_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("import two\n")
    (tmp_path / "two.py").write_text("import one\n")
    assert code_digest([tmp_path / "one.py"])
