"""A user's own network: what is wrong with it is told before anything trains, and by name."""

import json
from pathlib import Path

import pytest

from bench.config.settings import Config
from bench.errors import BenchError
from bench.running.variants import network_variant
from tests.conftest import RunBench

NET = """
import torch
from torch import nn

class Own(nn.Module):
    recipe = {recipe}

    def __init__(self):
        super().__init__()
        self.rates = {rates}
        self.linear = nn.Linear(96 * 96, 30)
        nn.init.zeros_(self.linear.weight)

    def forward(self, pictures):
        return self.linear(pictures.flatten(1))
"""


def write_own(folder: Path, rates: str = "()", recipe: str = '{"epochs": 1}') -> str:
    (folder / "own.py").write_text(NET.format(rates=rates, recipe=recipe))
    return f"{folder / 'own.py'}:Own"


def test_a_builder_that_computes_with_values_runs(run_bench: RunBench, tmp_path: Path, faces_csv: Path) -> None:
    model = write_own(tmp_path, "[rate.item() for rate in torch.linspace(0, 0.1, 3)]")
    common = ("--data", str(faces_csv), "--groups", "people.csv", "--folds", "2", "--no-latency", "--json")
    done = run_bench("run", "--models", model, *common)
    assert done.returncode == 0, done.stderr
    row = next(row for row in json.loads(done.stdout)["rows"] if row["kind"] == "network")
    assert row["parameters"] == 96 * 96 * 30 + 30


def test_values_taken_by_numpy_are_no_bad_option(tmp_path: Path) -> None:
    assert network_variant(Config(), write_own(tmp_path, "torch.linspace(0, 0.1, 3).numpy()")).options == {}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"rates": "units"}, r"cannot be built \(NameError: name 'units' is not defined\); `bench check`"),
        ({"rates": "torch.ones(2) @ torch.ones(3)"}, r"cannot be built \(RuntimeError"),
        ({"recipe": '{"learning_rate": 1}'}, "unknown key 'recipe.learning_rate'"),
        ({"recipe": '{"lr": -1}'}, "recipe.lr is -1, input should be greater than 0"),
    ],
)
def test_what_is_wrong_is_told_by_name(tmp_path: Path, given: dict[str, str], reason: str) -> None:
    with pytest.raises(BenchError, match=rf"own\.py:Own: .*{reason}"):
        network_variant(Config(), write_own(tmp_path, **given))
