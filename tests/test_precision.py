"""What a network is trained in, and what it is scored, timed and used in, are two things."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.records.store import RecordStore
from bench.training.precision import kernels
from tests.conftest import RunBench

COMMON = ("run", "--models", "plain_cnn", "--data", "faces.csv", "--groups", "people.csv", "--folds", "2")
SMALL = (*COMMON, "--epochs", "1", "--set", "models.plain_cnn.width=4", "--set", "recipe.precision=bfloat16")


def scored(out: Path, model: str = "plain_cnn") -> np.ndarray:
    """Stored out-of-fold predictions of the one seed."""
    store = RecordStore(out)
    cells = [cell for cell in store.cells() if cell.model == model]
    points = np.full((40, 15, 2), np.nan, np.float32)
    for cell in cells:
        rows, found = store.predictions(cell)
        points[rows] = found
    return points


def test_what_is_scored_is_float32_and_what_is_used_unless_asked_otherwise(
    run_bench: RunBench, tmp_path: Path, faces_csv: Path
) -> None:
    run_bench(*SMALL, "--keep-weights", "--no-latency", "--out", "plain", check=True)
    run_bench(*SMALL, "--no-latency", "--precision", "bfloat16", "--out", "half", check=True)
    plain, half = scored(tmp_path / "plain"), scored(tmp_path / "half")
    assert 0 < np.abs(plain - half).max() < 1

    (cell,) = (one for one in RecordStore(tmp_path / "plain").cells() if (one.model, one.fold) == ("plain_cnn", 0))
    rows = RecordStore(tmp_path / "plain").predictions(cell)[0]
    for precision, expected in (("float32", plain), ("bfloat16", half)):
        command = ("predict", faces_csv.name, "--model", "plain_cnn", "--out", "plain", "--fold", "0")
        run_bench(*command, "--precision", precision, "--format", "csv", "--to", precision, check=True)
        points = pd.read_csv(tmp_path / precision / "predictions.csv").iloc[:, 7:].to_numpy().reshape(-1, 15, 2)
        # Another batch is another order of additions; three digits are written.
        assert np.abs(points[rows] - expected[rows]).max() < (0.002 if precision == "float32" else 0.5)


def test_latency_is_of_the_precision_that_was_scored(run_bench: RunBench, tmp_path: Path, faces_csv: Path) -> None:
    del faces_csv
    run_bench(*SMALL, "--precision", "bfloat16", "--out", "half", check=True)
    rows = json.loads((tmp_path / "half" / "leaderboard.json").read_text())["rows"]
    (network,) = (row for row in rows if row["model"] == "plain_cnn")
    assert {entry["precision"] for entry in network["latencies"]} == {"bfloat16"}
    refused = run_bench("latency", "--out", "half", "--runtimes", "onnx")
    assert refused.returncode == 2
    assert "runs in float32, and plain_cnn is asked for in bfloat16" in refused.stderr


@pytest.mark.parametrize("name", ["ONEDNN_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"])
def test_what_the_environment_tells_onednn_is_part_of_the_kernels(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name, raising=False)
    plain = kernels("cpu")
    monkeypatch.setenv(name, "BF16")
    assert kernels("cpu") != plain
    assert f"{name}=BF16" in kernels("cpu")
