"""A training that starts from a file: the row says so, and nothing else is said about it."""

import json
from pathlib import Path

import pytest
import timm
from safetensors.torch import save_file

from tests.conftest import RunBench


@pytest.mark.slow
def test_a_row_says_that_it_started_from_weights(run_bench: RunBench, tmp_path: Path, faces_csv: Path) -> None:
    save_file(timm.create_model("mobilenetv3_small_050").state_dict(), tmp_path / "start.safetensors")
    model = "timm:mobilenetv3_small_050"
    common = ("--data", str(faces_csv), "--groups", "people.csv", "--folds", "2", "--epochs", "1", "--no-latency")
    started = f"models.{model}.weights=start.safetensors"
    done = run_bench("run", "--models", f"{model},plain_cnn", "--set", started, *common, "--json")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    rows = {row["model"]: row for row in json.loads(done.stdout)["rows"]}
    assert {name: row["pretrained"] for name, row in rows.items() if row["kind"] == "network"} == {
        model: True,
        "plain_cnn": False,
    }
    assert [name for name, row in rows.items() if "pretrained" in row["flags"]] == [model]
    assert "pretrained" in (tmp_path / "results" / "leaderboard.md").read_text()
