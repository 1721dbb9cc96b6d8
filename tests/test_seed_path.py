"""What the README's first lines promise works in every commit: one command, the default scheme, every column."""

import json
from pathlib import Path

import pytest

from tests.conftest import RunBench

COLUMNS = [
    "rank",
    "model",
    "RMSE px",
    "95 % interval",
    "fold SD px",
    "NME %",
    "latency ms",
    "parameters",
    "MACs",
    "training",
    "flags",
]


@pytest.mark.parametrize("latency", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_readmes_command_leaves_every_column_filled(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path, latency: bool
) -> None:
    (tmp_path / "data").mkdir()
    faces_csv.rename(tmp_path / "data" / "KeyFacialPoints.csv")
    done = run_bench(
        "run", "--models", "resnet_custom,plain_cnn", "--quick", "--epochs", "1", *([] if latency else ["--no-latency"])
    )
    assert done.returncode == 0, done.stderr
    results = tmp_path / "results"
    header = next(line for line in (results / "leaderboard.md").read_text().splitlines() if line.startswith("| rank"))
    assert [name.strip() for name in header.strip("|").split("|")] == COLUMNS
    document = json.loads((results / "leaderboard.json").read_text())
    assert [row["model"] for row in document["rows"] if row["kind"] == "network"]
    for row in document["rows"]:
        assert row["rmse_px"] > 0
        assert row["nme_percent"] > 0
        assert len(row["per_keypoint_rmse_px"]) == 15
        if row["kind"] == "network":
            assert (row["latency_ms"]["p50"] > 0) if latency else row["latency_ms"] is None
            assert row["parameters"] > 0
            assert row["macs"] > 0
            assert row["train_seconds"] > 0
    assert {row["model"] for row in document["rows"]} == {"resnet_custom", "plain_cnn", "mean_face", "knn", "ridge"}
    assert (results / "report.html").stat().st_size > 10_000
    assert (results / "leaderboard.csv").read_text().startswith("rank,")
