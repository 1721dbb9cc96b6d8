"""Networks that misbehave beside good ones: each is a row among the failures, and changes nothing for the others."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import RunBench, write_faces_csv
from tests.running.test_run_command import NETWORKS, arguments, predictions


@pytest.mark.parametrize(("model", "flip"), [("OneRow", "false"), ("Missing", "false"), ("Missing", "true")])
def test_an_answer_of_another_shape_never_counts(run_bench: RunBench, tmp_path: Path, model: str, flip: str) -> None:
    faces = write_faces_csv(tmp_path / "more.csv", rows=52, groups=26)
    run = arguments(faces, model, "Tiny", folds=4, epochs=1, set=f"recipe.test_time_flip={flip}")
    done = run_bench(*run)
    assert done.returncode == 1, done.stderr
    board = json.loads((tmp_path / "results/leaderboard.json").read_text())
    assert [row["model"].rpartition(":")[2] for row in board["rows"] if row["kind"] == "network"] == ["Tiny"]
    assert len(board["failed"]) == 4
    for cell in board["failed"]:
        found = re.fullmatch(
            r"the network answers \((\d+), 30\) to (\d+) pictures, expected \(\2, 30\)", cell["reason"]
        )
        assert found is not None, cell["reason"]
        assert int(found[1]) == (1 if model == "OneRow" else int(found[2]) - 1)
    assert run_bench("report").returncode == 0


def test_what_a_careless_network_changes_in_its_process_is_told_and_changes_no_other(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    alone = run_bench(*arguments(faces_csv, "Tiny", out="alone"))
    beside = run_bench(*arguments(faces_csv, "Careless", "Tiny", out="beside"))
    assert (alone.returncode, beside.returncode) == (0, 1), beside.stderr  # its own doubles fail
    expected = predictions(tmp_path / "alone")
    found = predictions(tmp_path / "beside")
    assert {name: found[name] for name in expected} == expected
    told = "changed its process for others (default dtype, oneDNN, denormal numbers, environment, signal handlers)"
    assert told in " ".join(beside.stderr.split())
    assert "changed its process" not in alone.stderr


def test_what_no_comparison_finds_stays_in_the_networks_own_process(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    alone = run_bench(*arguments(faces_csv, "Tiny", out="alone"), "--keep-weights")
    beside = run_bench(*arguments(faces_csv, "Patching", "Tiny", out="beside"), "--keep-weights")
    assert (alone.returncode, beside.returncode) == (0, 0), beside.stderr
    expected, found = predictions(tmp_path / "alone"), predictions(tmp_path / "beside")
    assert {name: found[name] for name in expected} == expected
    assert "working directory" in " ".join(beside.stderr.split())
    assert len(list((tmp_path / "beside" / "weights").glob("*.safetensors"))) == 6


def test_what_numpy_and_python_draw_comes_from_the_cells_seed(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    for out in ("one", "two"):
        run_bench(*arguments(faces_csv, "Drawing", out=out)).check_returncode()
    assert predictions(tmp_path / "one") == predictions(tmp_path / "two")


def test_a_network_whose_costs_cannot_be_counted_has_its_score_all_the_same(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    done = run_bench(*arguments(faces_csv, "Single"))
    assert done.returncode == 0, done.stderr
    assert "parameters and MACs are not counted: model" in done.stderr
    (row,) = (
        row
        for row in json.loads((tmp_path / "results/leaderboard.json").read_text())["rows"]
        if row["rank"] and "Single" in row["model"]
    )
    assert row["parameters"] is None
    assert row["rmse_px"] > 0


def test_a_network_that_ends_its_process_in_training_is_a_failed_cell(run_bench: RunBench, faces_csv: Path) -> None:
    done = run_bench(*arguments(faces_csv, "Leaving", "Tiny"))
    assert done.returncode == 1
    assert "Leaving fold 0 failed: raised: SystemExit: 0" in done.stderr


@pytest.mark.parametrize("place", ["raise SystemExit(0)", "import sys\n\ndef Net():\n    sys.exit(0)"])
def test_a_network_that_ends_its_process_while_it_is_built_is_told(
    run_bench: RunBench, tmp_path: Path, faces_csv: Path, place: str
) -> None:
    (tmp_path / "net.py").write_text(place)
    done = run_bench("run", "--models", "net.py:Net", "--data", str(faces_csv))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "net.py" in done.stderr
    assert "SystemExit" in done.stderr


@pytest.mark.slow
def test_a_network_that_hangs_is_probed_once_and_no_longer_than_a_cell(
    run_bench: RunBench, tmp_path: Path, faces_csv: Path
) -> None:
    done = run_bench(*arguments(faces_csv, "Hanging", cell_timeout=10), timeout=200)
    assert done.returncode == 1
    assert (tmp_path / "begun.txt").read_text() == "begun\n" * (1 + 3)


def test_what_a_network_writes_past_python_does_not_reach_the_json(run_bench: RunBench, faces_csv: Path) -> None:
    done = run_bench(*arguments(faces_csv, "Loud"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"]
    assert "built" in done.stderr


EDITED = """
from pathlib import Path
from torch import nn

{width}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(144, WIDTH), nn.Linear(WIDTH, 30))

    def forward(self, pictures):
        if self.training and pictures.device.type != "meta" and Path("edit").exists():
            Path("edit").unlink()
            text = Path("{file}").read_text()
            Path("{file}").write_text(text.replace("WIDTH = 8", "WIDTH = 2"))
        return self.layers(pictures)
"""


FROM_ELSEWHERE = """import importlib, sys
sys.path.insert(0, "lib")
WIDTH = importlib.import_module("width").WIDTH"""


@pytest.mark.parametrize(("file", "width"), [("net.py", "WIDTH = 8"), ("lib/width.py", FROM_ELSEWHERE)])
def test_a_file_edited_while_a_run_goes_on_gives_no_cell_under_the_old_key(
    run_bench: RunBench, tmp_path: Path, faces_csv: Path, file: str, width: str
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "width.py").write_text("WIDTH = 8\n")
    (tmp_path / "net.py").write_text(EDITED.format(file=file, width=width))
    run = ("run", "--models", f"net.py:Net,{NETWORKS}:Tiny", "--data", str(faces_csv), "--groups", "people.csv")
    small = (*run, "--folds", "3", "--epochs", "2", "--workers", "1", "--no-latency")
    (tmp_path / "edit").touch()
    done = run_bench(*small)
    assert done.returncode == 1
    board = json.loads((tmp_path / "results/leaderboard.json").read_text())
    assert {(cell["model"], cell["cause"]) for cell in board["failed"]} == {("net.py:Net", "circumstance")}
    assert {cell["fold"] for cell in board["failed"]} >= {1, 2}
    assert "its code, or bench's own, was edited since the run began; run again" in done.stderr
    assert f"{NETWORKS}:Tiny" in {row["model"] for row in board["rows"] if row["rank"] is not None}
    assert run_bench(*small).returncode == 0


MEDDLING = """
from pathlib import Path
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(144, 30))

    def forward(self, pictures):
        if self.training and pictures.device.type != "meta" and Path("armed").exists():
            Path("armed").unlink()
            Path("{place}").rename("away")
            if Path("instead").exists():
                Path("instead").rename("{place}")
        return self.layers(pictures)
"""


def test_a_file_that_was_away_for_a_while_is_a_failure_of_circumstance(
    run_bench: RunBench, tmp_path: Path, faces_csv: Path
) -> None:
    (tmp_path / "one.py").write_text(MEDDLING.format(place="two.py"))
    (tmp_path / "two.py").write_text(MEDDLING.format(place="nothing"))
    run = ("run", "--models", "one.py:Net,two.py:Net", "--data", str(faces_csv), "--groups", "people.csv")
    small = (*run, "--folds", "2", "--epochs", "1", "--workers", "1", "--no-latency")
    (tmp_path / "armed").touch()
    assert run_bench(*small).returncode == 1
    board = json.loads((tmp_path / "results/leaderboard.json").read_text())
    assert {(cell["model"], cell["cause"]) for cell in board["failed"]} == {("two.py:Net", "circumstance")}
    (tmp_path / "away").rename(tmp_path / "two.py")
    assert run_bench(*small).returncode == 0


def test_weights_that_are_replaced_while_a_run_goes_on_start_no_cell_under_the_old_key(
    run_bench: RunBench, tmp_path: Path, faces_csv: Path
) -> None:
    (tmp_path / "net.py").write_text(MEDDLING.format(place="start.safetensors"))
    (tmp_path / "other").mkdir()
    others = write_faces_csv(tmp_path / "other" / "others.csv", rows=20, seed=5)
    for epochs, name in (("1", "start.safetensors"), ("2", "instead")):
        fit = ("fit", "--model", "net.py:Net", "--data", str(others), "--epochs", epochs)
        run_bench(*fit, "--to", "fitted.safetensors").check_returncode()
        (tmp_path / "fitted.safetensors").rename(tmp_path / name)
    run = ("run", "--models", "net.py:Net", "--data", str(faces_csv), "--groups", "people.csv", "--folds", "2")
    small = (*run, "--workers", "1", "--no-latency", "--set", "models.net.py:Net.weights=start.safetensors")
    (tmp_path / "armed").touch()
    done = run_bench(*small, "--epochs", "1")
    assert done.returncode == 1, done.stderr
    assert "start.safetensors, from which it starts, was changed since the run began" in " ".join(done.stderr.split())


def test_a_run_that_goes_on_with_other_kernels_says_so_trains_the_rest_and_flags_the_row(
    run_bench: RunBench, tmp_path: Path, faces_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = arguments(faces_csv, "Tiny")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert run_bench(*run).returncode == 0
    monkeypatch.delenv("ATEN_CPU_CAPABILITY")
    before = predictions(tmp_path / "results")
    gone = next(path for path in (tmp_path / "results/cells").glob("*/*.json") if "networks" in path.parent.name)
    gone.unlink()
    refused = run_bench(*run, "--only-like")
    assert refused.returncode == 2
    assert "computed with DEFAULT" in refused.stderr
    assert "take another --out" in refused.stderr
    done = run_bench(*run)
    assert done.returncode == 0, done.stderr
    assert "what is missing is trained here, and rows that mix them are flagged" in done.stderr
    after = predictions(tmp_path / "results")
    assert len(set(after) - set(before)) == 1
    rows = json.loads((tmp_path / "results/leaderboard.json").read_text())["rows"]
    (network,) = (row for row in rows if row["kind"] == "network")
    assert any(flag.startswith("computed with ") and "DEFAULT" in flag for flag in network["flags"])
    assert network["rank"] is not None
    assert run_bench(*run).returncode == 0
    assert set(predictions(tmp_path / "results")) == set(after)


def test_a_run_dated_in_the_future_is_told_and_does_not_hide_the_next_one(
    run_bench: RunBench, tmp_path: Path, faces_csv: Path
) -> None:
    assert run_bench(*arguments(faces_csv, "Tiny")).returncode == 0
    for path in (tmp_path / "results/asked").rglob("*.json"):
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "asked": f"2099{record['asked'][4:]}"}))
    done = run_bench(*arguments(faces_csv, "Tiny", epochs=1))
    assert done.returncode == 0
    assert "holds a run dated 2099" in done.stderr
    (row,) = (row for row in json.loads((tmp_path / "results/leaderboard.json").read_text())["rows"] if row["epochs"])
    assert row["epochs"] == 1
