"""``bench run`` as a real process: one record per cell, resume, failures as values, the same bits for any workers."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from bench.records.files import slug
from tests.conftest import RunBench, bench_command, bench_environment

NETWORKS = Path(__file__).parent / "networks.py"

VOLATILE = {"generated", "train_seconds", "train_images_per_s", "latency_ms", "latencies", "load"}
VOLATILE |= {"throughput_images_per_s", "peak_memory_mb", "machine", "extra_minutes"}


def arguments(csv: Path, *models: str, out: str = "results", **options: object) -> list[str]:
    named = ",".join(f"{NETWORKS}:{model}" for model in models)
    given = {"folds": 3, "epochs": 2, "workers": 1, **options}
    extra = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    people = str(csv.parent / "people.csv")
    return ["run", "--models", named, "--data", str(csv), "--groups", people, "--out", out, "--no-latency", *extra]


def steady(path: Path) -> str:
    """leaderboard.json without what may differ between two equal runs."""

    def strip(value: object) -> object:
        if isinstance(value, dict):
            return {key: strip(inner) for key, inner in value.items() if key not in VOLATILE}
        return [strip(inner) for inner in value] if isinstance(value, list) else value

    return json.dumps(strip(json.loads(path.read_text())), sort_keys=True)


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def predictions(out: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted((out / "cells").glob("*/*.npz")):
        with np.load(path) as arrays:
            found[f"{path.parent.name}/{path.name}"] = arrays["predictions"].tobytes()
    return found


def test_a_run_leaves_a_leaderboard_and_a_second_one_trains_nothing(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    first = run_bench(*arguments(faces_csv, "Chatty"), "--json")
    assert first.returncode == 0, first.stderr
    assert "built" in first.stderr
    document = json.loads(first.stdout)  # and nothing that the network printed
    assert document == json.loads((tmp_path / "results/leaderboard.json").read_text())
    assert {row["kind"] for row in document["rows"]} == {"network", "gate"}
    assert document["dataset"]["people_known"] is True
    assert all(row["folds_done"] == 3 for row in document["rows"])
    assert "estimate:" in first.stderr
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results/cells").rglob("*")}
    written = contents(tmp_path / "results")
    second = run_bench(*arguments(faces_csv, "Chatty"))
    assert second.returncode == 0, second.stderr
    assert "12 recorded already" in second.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "results/cells").rglob("*")} == before
    assert contents(tmp_path / "results") == written, "a folder under version control has no change"
    assert (tmp_path / "results/leaderboard.md").read_text().startswith("# Leaderboard: faces.csv")


def test_a_gate_is_not_said_to_change_its_process(
    run_bench: RunBench, faces_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """scikit-learn writes variables of the environment where they are not there yet, as here from this process."""
    for name in [name for name in os.environ if name.startswith("KMP_")]:
        monkeypatch.delenv(name)
    done = run_bench(*arguments(faces_csv, "Tiny"), "--quick")
    assert done.returncode == 0, done.stderr
    assert "changed its process" not in done.stderr


def test_an_ensemble_is_averaged_from_its_members_without_training(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    (tmp_path / "ensemble.toml").write_text(f"""
[run]
models = ["ensemble:{NETWORKS}:Tiny+{NETWORKS}:Slow"]
data = "{faces_csv}"
folds = 3
latency = false
groups = "none"
[recipe]
epochs = 1
""")
    done = run_bench("run", "--config", "ensemble.toml", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["model"]: row for row in json.loads(done.stdout)["rows"]}
    ensemble = rows[f"ensemble:{NETWORKS}:Tiny+{NETWORKS}:Slow"]
    assert ensemble["kind"] == "ensemble"
    assert ensemble["rank"] is not None
    assert ensemble["flags"] == [] or all(flag.startswith("loses to") for flag in ensemble["flags"])
    members = [rows[f"{NETWORKS}:{name}"]["rmse_px"] for name in ("Tiny", "Slow")]
    assert ensemble["rmse_px"] <= max(members)
    assert len(list((tmp_path / "results/cells").iterdir())) == 5


def test_one_and_two_workers_give_the_same_bits(run_bench: RunBench, faces_csv: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        done = run_bench(*arguments(faces_csv, "Tiny", out=f"w{workers}", workers=workers))
        assert done.returncode == 0, done.stderr
    assert predictions(tmp_path / "w1") == predictions(tmp_path / "w2")
    assert steady(tmp_path / "w1/leaderboard.json") == steady(tmp_path / "w2/leaderboard.json")


def test_failures_are_listed_the_others_go_on_and_the_exit_code_is_1(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    done = run_bench(*arguments(faces_csv, "Exploding", "Raising", "Killed", "Hungry", "Tiny"))
    assert done.returncode == 1, done.stderr
    document = json.loads((tmp_path / "results/leaderboard.json").read_text())
    causes = {failure["model"].rpartition(":")[2]: failure for failure in document["failed"]}
    assert {name: failure["cause"] for name, failure in causes.items()} == {
        "Exploding": "diverged",
        "Raising": "raised",
        "Killed": "killed",
        "Hungry": "out of memory",
    }
    assert causes["Raising"]["reason"] == "RuntimeError: this network is broken on purpose"
    assert {name: failure["attempts"] for name, failure in causes.items()} == {
        "Exploding": 1,
        "Raising": 1,
        "Killed": 2,
        "Hungry": 2,
    }
    assert "this network is broken on purpose" in (tmp_path / "results/leaderboard.md").read_text()
    tiny = next(row for row in document["rows"] if row["model"].endswith("Tiny"))
    assert tiny["folds_done"] == 3
    assert "Traceback" not in done.stderr


def test_a_cell_over_its_time_is_recorded_and_tried_again_by_the_next_run(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    command = [*arguments(faces_csv, "Slow", epochs=25), "--quick"]  # sleeps for two and a half seconds
    done = run_bench(*command, "--cell-timeout", "2")
    assert done.returncode == 1
    failed = json.loads((tmp_path / "results/leaderboard.json").read_text())["failed"]
    assert [failure["model"] for failure in failed].count(f"{NETWORKS}:Slow") == 1
    assert {failure["cause"] for failure in failed} == {"timeout"}
    assert all("--cell-timeout" in failure["reason"] for failure in failed)
    again = run_bench(*command)
    assert again.returncode == 0, again.stderr
    document = json.loads((tmp_path / "results/leaderboard.json").read_text())
    assert document["failed"] == []
    assert {row["folds_done"] for row in document["rows"]} == {1}


def test_weights_that_cannot_be_kept_cost_no_record_and_are_tried_again(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    command = [*arguments(faces_csv, "Tiny"), "--quick"]
    assert run_bench(*command).returncode == 0
    (record,) = (tmp_path / "results/cells" / slug(f"{NETWORKS}:Tiny")).glob("*.json")
    whole = record.read_bytes()
    in_the_way = tmp_path / "results/weights"
    in_the_way.write_text("a file where the folder should be")
    refused = run_bench(*command, "--keep-weights")
    assert refused.returncode == 1
    assert "Tiny fold 0 failed: circumstance: " in refused.stderr
    assert record.read_bytes() == whole, "what succeeded stays recorded"
    in_the_way.unlink()
    again = run_bench(*command, "--keep-weights")
    assert again.returncode == 0, again.stderr
    assert len(list(in_the_way.iterdir())) == 1


def test_a_network_that_was_mended_is_tried_again_when_asked(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    command = [*arguments(faces_csv, "Moody"), "--quick"]
    (tmp_path / "broken").touch()
    assert run_bench(*command).returncode == 1
    (tmp_path / "broken").unlink()
    assert run_bench(*command).returncode == 1
    done = run_bench(*command, "--retry-failed")
    assert done.returncode == 0, done.stderr
    assert "3 recorded already" in done.stderr
    assert run_bench(*command).returncode == 0


@pytest.mark.slow
def test_killed_at_random_moments_and_restarted_it_ends_with_the_same_bytes(faces_csv: Path, tmp_path: Path) -> None:
    # Each kill lands at the latest in the next cell of Slow, a second long: six of them outlast five kills.
    undisturbed = arguments(faces_csv, "Slow", "Tiny", out="calm", epochs=10, seeds=2)
    subprocess.run(bench_command(undisturbed), cwd=tmp_path, env=bench_environment(), check=True, capture_output=True)
    disturbed = bench_command(arguments(faces_csv, "Slow", "Tiny", out="killed", epochs=10, seeds=2))
    generator = np.random.default_rng(7)
    for _ in range(5):
        recorded = len(records(tmp_path / "killed"))
        process = subprocess.Popen(disturbed, cwd=tmp_path, env=bench_environment(), stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while len(records(tmp_path / "killed")) == recorded and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(float(generator.uniform(0, 0.7)))
        children = descendants(process.pid)
        assert children
        assert process.poll() is None, "it ended before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert all_gone(children), "workers outlived their parent"
    subprocess.run(disturbed, cwd=tmp_path, env=bench_environment(), check=True, capture_output=True)
    assert steady(tmp_path / "killed/leaderboard.json") == steady(tmp_path / "calm/leaderboard.json")
    assert predictions(tmp_path / "killed") == predictions(tmp_path / "calm")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell's pipe")
@pytest.mark.parametrize("streams", ["", "2>&1"])
def test_a_reader_that_goes_away_ends_the_command_quietly(faces_csv: Path, tmp_path: Path, streams: str) -> None:
    command = shlex.join(bench_command(arguments(faces_csv, "Tiny") if streams else ["models"]))
    piped = subprocess.run(
        ["bash", "-c", f"{command} {streams} | true; echo ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        env=bench_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert piped.stdout == "141\n"
    assert "error" not in piped.stderr.lower()


@pytest.mark.slow
def test_two_runs_at_once_lose_nothing(faces_csv: Path, tmp_path: Path) -> None:
    command = bench_command(arguments(faces_csv, "Slow", "Tiny", epochs=4))
    both = [subprocess.Popen(command, cwd=tmp_path, env=bench_environment(), stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.wait(timeout=300) for process in both] == [0, 0]
    for process in both:
        assert process.stderr is not None
        process.stderr.close()
    document = json.loads((tmp_path / "results/leaderboard.json").read_text())
    assert {row["folds_done"] for row in document["rows"]} == {3}


@pytest.mark.slow
@pytest.mark.usefixtures("ctrl_c_heeded")
def test_ctrl_c_stops_with_130_and_keeps_what_is_done(faces_csv: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        bench_command(arguments(faces_csv, "Tiny", "Slow", epochs=60)),
        cwd=tmp_path,
        env=bench_environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list((tmp_path / "results").glob("cells/*/*.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1].startswith("error: interrupted; what is recorded stays")
    assert "Traceback" not in errors
    assert list((tmp_path / "results").glob("cells/*/*.json"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash to limit the size of files")
def test_a_full_disk_is_one_line_and_the_next_run_completes(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    assert run_bench("data", "check", str(faces_csv)).returncode == 0  # the limit must meet the records, not the cache
    command = " ".join(bench_command(arguments(faces_csv, "Tiny")))
    limited = subprocess.run(
        ["bash", "-c", f"trap '' XFSZ; ulimit -f 1; exec {command}"],
        cwd=tmp_path,
        env=bench_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert limited.returncode == 2
    assert "cannot be written" in limited.stderr.strip().splitlines()[-1]
    done = run_bench(*arguments(faces_csv, "Tiny"))
    assert done.returncode == 0, done.stderr


def records(out: Path) -> list[Path]:
    return list(out.glob("cells/*/*.json"))


def descendants(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.split()
    parents = {int(child): int(parent) for child, parent in zip(listed[::2], listed[1::2], strict=True)}
    found = [child for child, parent in parents.items() if parent == pid]
    return [*found, *(deeper for child in found for deeper in descendants(child))]


def all_gone(pids: list[int], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        alive = subprocess.run(["ps", "-eo", "pid=,stat="], capture_output=True, text=True, check=True).stdout
        states = dict(line.split(None, 1) for line in alive.splitlines())
        if not any(str(pid) in states and not states[str(pid)].startswith("Z") for pid in pids):
            return True
        time.sleep(0.2)
    return False
