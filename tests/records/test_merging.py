"""``bench merge`` as a real process: cells flow by key, what contradicts is told and kept, sources stay as they are."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from bench.records.files import slug
from bench.records.schema import SCHEMA
from bench.records.sealing import sealed_text, unsealed_text
from bench.records.store import RecordStore
from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results
from tests.conftest import RunBench, bench_command, bench_environment

ALPHA, BETA, GAMMA = (DrawnModel(name, noise_px) for name, noise_px in (("alpha", 1.0), ("beta", 1.4), ("gamma", 1.8)))


def drawn(out: Path, *models: DrawnModel, seeds: int = 1) -> Path:
    """Equal protocols; the first model's cells are the same wherever it comes first, any other's differ by what is
    drawn before them."""
    draw_results(out, DrawnResults(models, rows=60, people=20, seeds=seeds))
    return out


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def edit(path: Path, **changes: object) -> None:
    """Change a record and seal it again."""
    document = json.loads(unsealed_text(path.read_bytes()))
    path.write_bytes(sealed_text(json.dumps({**document, **changes}, indent=1)))


def cells(out: Path, model: str) -> list[Path]:
    return sorted((out / "cells" / slug(model)).glob("*.json"))


@pytest.fixture
def troubled(tmp_path: Path) -> list[Path]:
    """Three folders: alpha twice alike, beta twice unlike, and of gamma one cell damaged, one newer, one foreign."""
    one = drawn(tmp_path / "one", ALPHA, BETA)
    two = drawn(tmp_path / "two", ALPHA, GAMMA)
    three = drawn(tmp_path / "three", BETA)
    damaged, newer, foreign, *_ = cells(two, "gamma")
    damaged.with_suffix(".npz").write_bytes(b"cut short")
    edit(newer, schema=SCHEMA + 1, status="of a later kind")
    foreign.write_text('{"somebody": "else"}')
    (latency,) = [path for path in (two / "latency").iterdir() if json.loads(path.read_text())["model"] == "gamma"]
    edit(latency, environment={"processor": "Another 7"})
    return [one, two, three]


def test_three_folders_flow_together_and_what_does_not_is_counted(
    run_bench: RunBench, troubled: list[Path], tmp_path: Path
) -> None:
    before = [contents(folder) for folder in troubled]
    done = run_bench("merge", "one", "two", "three", "--out", "all", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["taken"] == {"labels": 1, "cells": 12, "costs": 3, "latency": 3}
    assert told["present"]["cells"] == 5
    assert {trouble: len(files) for trouble, files in told["left"].items()} == {"damaged": 1, "newer": 1, "foreign": 1}
    assert "1 newer file left" in done.stderr
    assert [contents(folder) for folder in troubled] == before, "sources are only read"

    conflicts = told["conflicts"]
    assert [(one["model"], one["fold"]) for one in conflicts] == [("beta", fold) for fold in _folds_by_key(tmp_path)]
    store, other = RecordStore(tmp_path / "all"), RecordStore(tmp_path / "three")
    for conflict in conflicts:
        (ours,) = (cell for cell in store.cells_of("beta") if cell.fold == conflict["fold"])
        (theirs,) = (cell for cell in other.cells_of("beta") if cell.fold == conflict["fold"])
        apart = np.abs(store.predictions(ours)[1].astype(float) - other.predictions(theirs)[1]).max()
        assert conflict["difference_px"] == pytest.approx(apart)
        assert conflict["machines"] == ["Drawn Processor 9", "Drawn Processor 9"]
        kept = tmp_path / "all" / conflict["kept_as"]
        assert kept.with_suffix(".npz").read_bytes() == other.files.sealed(theirs)

    board = json.loads((tmp_path / "all/leaderboard.json").read_text())
    rows = {row["model"]: row for row in board["rows"]}
    assert {model: row["folds_done"] for model, row in rows.items()} == {"alpha": 5, "beta": 5, "gamma": 2}
    alone = run_bench("report", "--out", "one", "--json")
    assert rows["beta"]["rmse_px"] == next(
        row["rmse_px"] for row in json.loads(alone.stdout)["rows"] if row["model"] == "beta"
    )
    assert board["unlike_latencies"] == 1
    assert rows["gamma"]["latency_ms"] is None and rows["alpha"]["latency_ms"] is not None


def _folds_by_key(tmp_path: Path) -> list[int]:
    return [json.loads(path.read_text())["fold"] for path in cells(tmp_path / "one", "beta")]


@pytest.mark.usefixtures("troubled")
def test_a_second_merge_changes_no_byte_and_packed_folders_merge_alike(run_bench: RunBench, tmp_path: Path) -> None:
    once = run_bench("merge", "one", "two", "three", "--out", "all", check=True)
    merged = contents(tmp_path / "all")
    again = run_bench("merge", "one", "two", "three", "--out", "all", check=True)
    assert contents(tmp_path / "all") == merged
    assert "taken: nothing" in again.stdout
    apart = [line for line in again.stderr.splitlines() if "px apart" in line]
    assert len(apart) == 5 and all(line in once.stderr for line in apart)

    run_bench("report", "--out", "all", "--pack", check=True)
    shutil.copytree(tmp_path / "all/records", tmp_path / "bare")
    run_bench("merge", "bare", "--out", "from packed", check=True)
    assert contents(tmp_path / "from packed") == merged, "conflicts travel too"


@pytest.mark.usefixtures("troubled")
def test_a_merge_killed_at_any_moment_is_finished_by_the_same_merge(run_bench: RunBench, tmp_path: Path) -> None:
    run_bench("merge", "one", "two", "three", "--out", "calm", check=True)
    calm, killed = contents(tmp_path / "calm"), tmp_path / "killed"
    command = bench_command(["merge", "one", "two", "three", "--out", "killed"])
    kills = 0
    for share in (0.02, 0.2, 0.5, 0.8, 0.95):
        process = subprocess.Popen(
            command, cwd=tmp_path, env=bench_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while sum(1 for _ in killed.rglob("*.*")) < share * len(calm) and time.monotonic() < deadline:
            time.sleep(0.001)
        kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = {name: content for name, content in contents(killed).items() if not name.endswith(".part")}
        assert all(content == calm[name] for name, content in found.items()), "nothing is half copied"
    assert kills >= 3
    run_bench("merge", "one", "two", "three", "--out", "killed", check=True)
    assert contents(killed) == calm


def test_a_board_stays_what_its_own_runs_made_it(run_bench: RunBench, tmp_path: Path) -> None:
    own = drawn(tmp_path / "own", ALPHA)
    (asked,) = own.glob("asked/*/*.json")
    edit(asked, number=1, environment={"processor": "Here 1"})
    other = tmp_path / "other"
    draw_results(other, DrawnResults([ALPHA, BETA], rows=80, people=20), fingerprint="fedcba9876543210")
    for path in other.glob("asked/*/*.json"):
        edit(path, number=9, asked="2031-01-01T00:00:00+00:00")
    run_bench("merge", "other", "--out", "own", check=True)
    board = json.loads((own / "leaderboard.json").read_text())
    assert board["dataset"]["rows"] == 60
    assert board["machine"] == {"processor": "Here 1"}
    assert board["unlike_records"] == 10


def test_seeds_of_several_machines_make_one_row(run_bench: RunBench, tmp_path: Path) -> None:
    drawn(tmp_path / "one", ALPHA)
    drawn(tmp_path / "three seeds", ALPHA, seeds=3)
    run_bench("merge", "three seeds", "--out", "one", check=True)
    (row,) = json.loads((tmp_path / "one/leaderboard.json").read_text())["rows"]
    assert (row["seeds_done"], row["flags"]) == (3, [])


def test_a_success_takes_the_place_of_a_failure_and_of_damage(run_bench: RunBench, tmp_path: Path) -> None:
    drawn(tmp_path / "sound", ALPHA)
    drawn(tmp_path / "failed", DrawnModel("alpha", 1.0, failed_folds=(0, 1)))
    cells(tmp_path / "failed", "alpha")[0].write_text("{")
    run_bench("merge", "sound", "--out", "failed", check=True)
    (row,) = json.loads((tmp_path / "failed/leaderboard.json").read_text())["rows"]
    assert (row["folds_done"], row["rank"]) == (5, 1)
    run_bench("merge", "failed", "--out", "sound", check=True)
    assert json.loads((tmp_path / "sound/leaderboard.json").read_text())["failed"] == []


@pytest.mark.parametrize(
    ("others", "told"),
    [
        (["nowhere"], "error: nowhere: holds no results; name a folder that `bench run --out` made"),
        (["results"], "error: results: is --out itself; name other folders"),
    ],
)
def test_what_cannot_be_merged_is_refused_in_one_line(
    run_bench: RunBench, tmp_path: Path, others: list[str], told: str
) -> None:
    drawn(tmp_path / "results", ALPHA)
    before = contents(tmp_path / "results")
    done = run_bench("merge", *others)
    assert (done.returncode, done.stderr.strip()) == (2, told)
    assert contents(tmp_path / "results") == before
