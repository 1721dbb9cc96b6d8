"""``bench verify`` as a real process: good, falsified and foreign boards."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.records.files import slug
from bench.records.sealing import sealed_arrays, sealed_text, unsealed_text
from tests.conftest import RunBench, bench_command, bench_environment, write_faces_csv

NETWORKS = Path(__file__).parent.parent / "running" / "networks.py"
MODEL = "networks.py:Tiny"
Verify = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with faces, a network of somebody's own and the results of a run: two folds, eight cells."""
    folder = tmp_path_factory.mktemp("ran")
    write_faces_csv(folder / "faces.csv")
    shutil.copy(NETWORKS, folder)
    words = ["run", "--models", MODEL, "--data", "faces.csv", "--groups", "people.csv", "--folds", "2", "--epochs", "2"]
    command = bench_command([*words, "--no-latency"])
    subprocess.run(command, cwd=folder, env=bench_environment(), check=True, capture_output=True)
    return folder


@pytest.fixture
def results(ran: Path, tmp_path: Path) -> Path:
    """A copy of it to meddle with, in the working directory."""
    shutil.copytree(ran, tmp_path, dirs_exist_ok=True)
    return tmp_path / "results"


@pytest.fixture
def verify(run_bench: RunBench) -> Verify:
    def call(*words: str) -> "subprocess.CompletedProcess[str]":
        return run_bench("verify", "results", "--data", "faces.csv", "--groups", "people.csv", *words)

    return call


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def reseal(path: Path, **changes: object) -> None:
    document = json.loads(unsealed_text(path.read_bytes()))
    path.write_bytes(sealed_text(json.dumps({**document, **changes}, indent=1)))


def falsify(out: Path, fold: int, change: Callable[[np.ndarray], None]) -> None:
    """Change the predictions of a cell of the network and do all its seals again, as its maker could."""
    for path in (out / "cells" / slug(MODEL)).glob("*.json"):
        if json.loads(path.read_text())["fold"] == fold:
            with np.load(path.with_suffix(".npz")) as arrays:
                found = {name: arrays[name].copy() for name in ("rows", "predictions")}
            change(found["predictions"])
            content = sealed_arrays(found)
            path.with_suffix(".npz").write_bytes(content)
            reseal(path, predictions_sha256=hashlib.sha256(content).hexdigest())


def flatter(predictions: np.ndarray, truth: np.ndarray, share: float) -> None:
    predictions += share * (truth - predictions)


def one_coordinate(predictions: np.ndarray) -> None:
    predictions[3, 5, 0] += 0.5


def test_a_good_board_is_believed_and_shows_how_much_was_verified(results: Path, verify: Verify) -> None:
    done = verify()
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith("believe it: ") and "of 8 cells 1 came to the same bits when trained again" in line
    assert f"{MODEL}, fold " in done.stderr and ": the same bits" in done.stderr
    assert "verified: 1 of 8 cells" in (results / "leaderboard.md").read_text()
    everything = json.loads(verify("--all", "--json").stdout)
    assert everything["believed"] is True
    assert {found["verdict"] for found in everything["repeated"]} == {"same bits"}
    assert len(everything["repeated"]) == 8
    board = json.loads((results / "leaderboard.json").read_text())
    assert (board["cells_recorded"], board["cells_verified"], board["cells_contradicted"]) == (8, 8, 0)
    before = contents(results)
    assert verify("--model", "ridge", "--fold", "1").returncode == 0
    assert contents(results) == before, "what is known already changes nothing"


def test_one_changed_coordinate_with_all_seals_redone_is_found_by_training(
    results: Path, verify: Verify, run_bench: RunBench
) -> None:
    falsify(results, 1, one_coordinate)
    run_bench("report", check=True)
    done = verify("--model", MODEL, "--fold", "1")
    assert done.returncode == 1
    told = f"do not believe it: {MODEL}, fold 1, seed 0: 1 coordinate is up to 0.5 px from what training gives"
    assert done.stdout.strip() == f"{told}, where the same bits are due"
    board = json.loads((results / "leaderboard.json").read_text())
    assert (board["cells_verified"], board["cells_contradicted"]) == (0, 1)
    row = next(row for row in board["rows"] if row["model"] == MODEL)
    assert "fold 1, seed 0: otherwise when trained again" in row["flags"]
    assert "came out otherwise" in run_bench("report").stderr


def test_on_another_kind_of_machine_rounding_is_no_reproach_and_a_better_score_is(
    results: Path, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    honest = json.loads(verify("--model", MODEL, "--all", "--json").stdout)
    assert honest["believed"] is True
    assert all(not found["like"] and found["verdict"] in ("near", "same bits") for found in honest["repeated"])

    def truth(fold: int) -> np.ndarray:
        with np.load(next((results / "truth").glob("*.npz"))) as labels:
            return np.asarray(labels["keypoints"][labels["fold_of_row"] == fold])

    (results / "leaderboard.json").unlink()
    for fold in (0, 1):
        falsify(results, fold, lambda predictions, fold=fold: flatter(predictions, truth(fold), 0.06))
    one = verify("--model", MODEL, "--fold", "1")
    assert one.returncode == 0, "a little is as much as rounding makes"
    both = verify("--model", MODEL, "--all")
    assert both.returncode == 1
    assert "do not believe it: its networks score 6.4 % better than 2 trainings again" in both.stdout

    falsify(results, 0, lambda predictions: flatter(predictions, truth(0), 0.2))
    done = verify("--model", MODEL, "--fold", "0")
    assert done.returncode == 1
    assert "more than between kinds of machines" in done.stdout


def test_what_other_code_made_cannot_be_told(results: Path, verify: Verify) -> None:
    network = results.parent / "networks.py"
    network.write_text(network.read_text().replace("nn.AvgPool2d(8)", "nn.MaxPool2d(8)"))
    done = verify()
    assert done.returncode == 2
    assert done.stdout.startswith("cannot tell: ")
    assert "2 cells cannot be trained again here: other code made it" in done.stdout
    assert not (results / "verified").exists()


def test_other_data_are_refused_and_other_labels_and_people_are_told(
    results: Path, verify: Verify, run_bench: RunBench
) -> None:
    (results.parent / "other").mkdir()
    write_faces_csv(results.parent / "other" / "faces.csv", seed=1)
    refused = run_bench("verify", "results", "--data", "other/faces.csv")
    assert refused.returncode == 2
    assert "but the results were made from faces.csv with fingerprint" in refused.stderr

    lonely = "\n".join(["person", *map(str, range(40))])
    (results.parent / "lonely.csv").write_text(lonely)
    done = verify("--groups", "lonely.csv", "--model", "knn")
    assert done.returncode == 1
    assert "do not believe it: its folds are not those that groups of lonely.csv give" in done.stdout

    (path,) = (results / "truth").glob("*.npz")
    with np.load(path) as labels:
        found = {name: labels[name].copy() for name in ("keypoints", "groups", "fold_of_row")}
    found["keypoints"][0, 0, 0] += 1
    path.write_bytes(sealed_arrays(found))
    done = verify("--model", "knn")
    assert done.returncode == 1
    assert "the labels that it is scored by are not those of faces.csv" in done.stdout


def test_damage_and_an_embellished_leaderboard_are_told(results: Path, verify: Verify) -> None:
    board = results / "leaderboard.json"
    document = json.loads(board.read_text())
    document["rows"][0]["rmse_px"] *= 0.9
    board.write_text(json.dumps(document))
    done = verify("--model", "mean_face")
    assert done.returncode == 1
    assert done.stdout.startswith("do not believe it: leaderboard.json says of ")
    assert json.loads(board.read_text())["rows"][0]["rmse_px"] == document["rows"][0]["rmse_px"] / 0.9

    damaged = next((results / "cells" / slug("knn")).glob("*.npz"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    done = verify("--model", "mean_face")
    assert done.returncode == 1
    assert "do not believe it: 1 damaged file, " in done.stdout and damaged.name in done.stdout


def test_a_packed_board_is_verified_and_others_verifications_come_with_a_merge(
    results: Path, verify: Verify, run_bench: RunBench
) -> None:
    run_bench("report", "--pack", check=True)
    for folder in ("asked", "cells", "costs", "truth"):
        shutil.rmtree(results / folder, ignore_errors=True)
    assert verify("--model", MODEL, "--all").returncode == 0
    run_bench("report", "--pack", check=True)
    run_bench("merge", "results/records", "--out", "merged", check=True)
    assert "verified: 2 of 8 cells" in (results.parent / "merged" / "leaderboard.md").read_text()


def test_a_model_that_is_not_there_is_refused(run_bench: RunBench, results: Path) -> None:
    done = run_bench("verify", str(results), "--data", "faces.csv", "--model", "nobody")
    assert done.returncode == 2
    assert "--model nobody: no sound cell on the board is that; its models: " in done.stderr
