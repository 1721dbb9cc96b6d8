"""``bench run --race`` as a real process: early losers stop, the rest is ranked, nothing is trained twice."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunBench, bench_command, bench_environment
from tests.running.test_run_command import NETWORKS, arguments, predictions

TINY, BLIND, SLOW = (f"{NETWORKS}:{name}" for name in ("Tiny", "Blind", "Slow"))


def rows(out: Path) -> dict[str, dict[str, Any]]:
    return {row["model"]: row for row in json.loads((out / "leaderboard.json").read_text())["rows"]}


def asked(csv: Path, *models: str, **options: object) -> list[str]:
    return [*arguments(csv, *models, **{"folds": 4, "epochs": 8, **options}), "--race"]


def test_a_network_far_behind_stops_early_and_the_board_says_why(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    done = run_bench(*asked(faces_csv, "Tiny", "Blind"))
    assert done.returncode == 0, done.stderr
    board = rows(tmp_path / "results")
    assert (board[BLIND]["rank"], board[BLIND]["letters"], board[BLIND]["folds_done"]) == (None, [], 1)
    assert board[BLIND]["flags"][0].startswith("left the race after 1 fold: ")
    assert board[BLIND]["flags"][0].endswith(f"behind {TINY}")
    assert board[TINY]["rank"] is not None
    assert "still in" in done.stderr
    markdown = (tmp_path / "results/leaderboard.md").read_text()
    assert "left the race after 1 fold" in markdown
    assert "in 1 % of races" in markdown
    chosen = run_bench("choose")
    assert chosen.returncode == 0, chosen.stderr
    assert TINY in chosen.stdout
    assert BLIND not in chosen.stdout
    compared = run_bench("compare", TINY, BLIND)
    assert compared.returncode == 0, compared.stderr
    assert "left the race after 1 fold" in compared.stdout


def test_a_later_run_without_race_trains_the_rest_and_nothing_twice(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    run_bench(*asked(faces_csv, "Tiny", "Blind"), check=True)
    before = predictions(tmp_path / "results")
    done = run_bench(*asked(faces_csv, "Tiny", "Blind")[:-1])
    assert done.returncode == 0, done.stderr
    after = predictions(tmp_path / "results")
    assert before.items() < after.items()
    assert len(after) - len(before) == 3
    board = rows(tmp_path / "results")
    assert board[BLIND]["rank"] is not None
    assert not any("race" in flag for flag in board[BLIND]["flags"])
    whole = run_bench(*asked(faces_csv, "Tiny", "Blind", out="whole")[:-1])
    assert whole.returncode == 0, whole.stderr
    assert predictions(tmp_path / "whole") == after


def test_a_race_without_time_says_so_and_ranks_nothing_it_cannot(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    done = run_bench(*asked(faces_csv, "Tiny", "Slow", epochs=40), "--budget", "10s")
    assert done.returncode == 0, done.stderr
    assert "budget: " in done.stderr
    board = rows(tmp_path / "results")
    document = json.loads((tmp_path / "results/leaderboard.json").read_text())
    assert "unpaid" in {left["reason"] for left in document["left_race"] if left["model"] == SLOW}
    assert SLOW not in board or board[SLOW]["rank"] is None


def test_a_failed_network_leaves_and_the_others_race_on(run_bench: RunBench, faces_csv: Path, tmp_path: Path) -> None:
    done = run_bench(*asked(faces_csv, "Tiny", "Raising", "Blind"))
    assert done.returncode == 1, done.stderr
    document = json.loads((tmp_path / "results/leaderboard.json").read_text())
    assert len(document["failed"]) == 1, "its other folds are not tried"
    assert rows(tmp_path / "results")[TINY]["rank"] is not None


@pytest.mark.slow
def test_a_race_killed_five_times_ends_with_the_same_board(
    faces_csv: Path, tmp_path: Path, run_bench: RunBench
) -> None:
    command = asked(faces_csv, "Tiny", "Blind", "Slow", epochs=12)
    run_bench(*command, check=True)
    calm, calm_cells = rows(tmp_path / "results"), predictions(tmp_path / "results")
    shutil.rmtree(tmp_path / "results")
    for kill in range(5):
        process = subprocess.Popen(
            bench_command(command), cwd=tmp_path, env=bench_environment(), stderr=subprocess.DEVNULL
        )
        time.sleep(4 + 2 * kill)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    run_bench(*command, check=True)
    assert predictions(tmp_path / "results") == calm_cells
    again = rows(tmp_path / "results")
    for model, row in calm.items():
        same = ("rank", "letters", "rmse_px", "flags", "folds_done")
        assert [again[model][name] for name in same] == [row[name] for name in same]


def test_curated_names_the_dozen_beside_our_own_two(run_bench: RunBench, faces_csv: Path) -> None:
    refused = run_bench("run", "--models", "curated", "--data", str(faces_csv), "--set", "models.curated.width=3")
    assert refused.returncode == 2
    from bench.keywords import configuration

    models = configuration("curated", {}).run.models
    assert len(models) == 14
    assert models[:2] == ("resnet_custom", "plain_cnn")
    assert "vit_tiny" in models
