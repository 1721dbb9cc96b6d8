"""What is away for a while costs a run the cells that need it, at once, and the next run makes those and no others."""

import json
from pathlib import Path

from tests.conftest import RunBench
from tests.running.test_run_command import NETWORKS, predictions, records

TAKING_AWAY = """
from pathlib import Path
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(144, 30))

    def forward(self, pictures):
        if self.training and Path("armed").exists() and list(Path("results/cells").glob("*/*.json")):
            Path("armed").unlink()
            Path("faces.csv").rename("away")
        return self.layers(pictures)
"""


def test_data_that_are_away_cost_what_was_not_read_yet_and_nothing_once_they_are_back(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(TAKING_AWAY)
    run = ("run", "--models", f"{NETWORKS}:Tiny,net.py:Net", "--data", str(faces_csv), "--groups", "people.csv")
    small = (*run, "--folds", "2", "--epochs", "1", "--workers", "1", "--no-latency", "--out")
    assert run_bench(*small, "calm").returncode == 0
    (tmp_path / "armed").touch()
    done = run_bench(*small, "results")
    assert done.returncode == 1, done.stderr
    assert not faces_csv.exists()
    failed = json.loads((tmp_path / "results/leaderboard.json").read_text())["failed"]
    assert {(cell["cause"], cell["attempts"]) for cell in failed} == {("circumstance", 1)}
    assert all("faces.csv: no such file" in cell["reason"] for cell in failed)
    assert len(failed) == 8, "two cells of Tiny and six of gates; Net had its faces"
    made = [path for path in records(tmp_path / "results") if json.loads(path.read_text())["status"] == "ok"]
    assert len(made) == 2
    before = {path: path.stat().st_mtime_ns for path in made}

    (tmp_path / "away").rename(faces_csv)
    again = run_bench(*small, "results")
    assert again.returncode == 0, again.stderr
    assert "10 cells, 2 recorded already" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in made} == before
    assert predictions(tmp_path / "results") == predictions(tmp_path / "calm")
