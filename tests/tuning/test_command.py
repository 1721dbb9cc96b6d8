"""``bench tune`` as users call it: a whole search with tiny networks, refusals, killing it."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import RunBench, bench_command, bench_environment

SPACE = """
[models.plain_cnn.width]
low = 4
high = 12
step = 4
[models.plain_cnn.depth]
search = false
[models.plain_cnn.dropout]
search = false
"""


@pytest.fixture
def tune(faces_csv: Path, run_bench: RunBench, tmp_path: Path) -> RunBench:
    (tmp_path / "space.toml").write_text(SPACE)

    def call(*arguments: str, **changes: float) -> "subprocess.CompletedProcess[str]":
        return run_bench(*words(faces_csv), *arguments, **changes)

    return call


def words(faces_csv: Path) -> list[str]:
    fixed = ["tune", "--models", "plain_cnn", "--data", str(faces_csv), "--groups", "people.csv", "--epochs", "2"]
    small = ["--set", "models.plain_cnn.width=8", "--set", "recipe.batch_size=16", "--space", "space.toml"]
    return [*fixed, "--search-epochs", "1", "--workers", "1", *small]


@pytest.mark.slow
def test_a_search_from_start_to_file(tune: RunBench, run_bench: RunBench, tmp_path: Path) -> None:
    done = tune("--trials", "4", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    study = document["studies"][0]
    assert study["model"] == "plain_cnn"
    assert [trial["number"] for trial in study["trials"]] == [0, 1, 2, 3]
    assert study["trials"][0]["state"] == "complete"
    assert study["trials"][0]["params"]["options.width"] == 8
    assert document["found"][0]["verdict"]
    assert "estimate:" in done.stderr
    assert (tmp_path / "results" / "tuning" / "plain_cnn.toml").exists()
    shown = run_bench("tune", "--show", "--json")
    assert json.loads(shown.stdout)["studies"] == document["studies"]
    again = tune("--trials", "4", "--json")
    assert json.loads(again.stdout) == document, "nothing is trained twice"
    table = run_bench("tune", "--show")
    assert f"best: trial {study['best']['number']}, {study['best']['value']:.3f} px" in table.stdout
    assert "of 12 inner folds trained" in table.stdout


@pytest.mark.slow
def test_a_limit_on_parameters_and_time_holds(tune: RunBench) -> None:
    done = tune("--trials", "6", "--max-params", "100000", "--max-ms", "1000", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    defaults, *others = document["studies"][0]["trials"]
    wide = [trial for trial in others if trial["params"]["options.width"] > 4]
    assert 0 < len(wide) < len(others)
    assert all(trial["state"] == "pruned" and "parameters above the limit" in trial["reason"] for trial in wide)
    assert defaults["state"] == "complete"
    assert document["studies"][0]["best"]["params"]["options.width"] == 4
    assert "The defaults break the limits" in document["found"][0]["verdict"]


@pytest.mark.slow
def test_a_comparison_that_fails_is_told_with_its_reason_and_by_the_exit_code(tune: RunBench) -> None:
    done = tune("--trials", "1", "--threads", "1", "--cell-timeout", "0.001", "--json")
    assert done.returncode == 1, done.stderr
    assert "plain_cnn, outer fold 0: the comparison failed: timeout: took longer than 0.001 s" in done.stderr
    document = json.loads(done.stdout)
    assert document["studies"][0]["trials"][0]["reason"].startswith("timeout on inner fold 1")
    assert document["found"][0]["folds"][0]["outer_default_px"] is None


@pytest.mark.usefixtures("ctrl_c_heeded")
@pytest.mark.slow
def test_ctrl_c_tells_optuna_and_the_same_command_goes_on(tune: RunBench, faces_csv: Path, tmp_path: Path) -> None:
    command = bench_command([*words(faces_csv), "--trials", "6"])
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=bench_environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "trial 1" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 130
    assert "interrupted" in rest
    done = tune("--trials", "6", "--json")
    trials = json.loads(done.stdout)["studies"][0]["trials"]
    states = [trial["state"] for trial in trials]
    assert sum(state in ("complete", "pruned", "failed") for state in states) == 6
    assert "running" not in states


@pytest.mark.slow
def test_killed_while_a_network_trains_nothing_is_left_running(tune: RunBench, faces_csv: Path, tmp_path: Path) -> None:
    command = bench_command([*words(faces_csv), "--trials", "4"])
    for wait_s in (0.3, 1.5):
        with subprocess.Popen(
            command, cwd=tmp_path, env=bench_environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if "outer fold 0: study" in line:
                    break
            time.sleep(wait_s)
            process.kill()
    done = tune("--trials", "4", "--json")
    assert done.returncode == 0, done.stderr
    states = [trial["state"] for trial in json.loads(done.stdout)["studies"][0]["trials"]]
    assert sum(state in ("complete", "pruned", "failed") for state in states) == 4
    assert set(states) <= {"complete", "pruned", "failed", "interrupted"}


@pytest.mark.parametrize(
    ("arguments", "words_said"),
    [
        (("--budget", "soon"), "--budget soon: expected a time such as"),
        (("--trials", "0"), "tuning.trials is 0"),
        (("--models", "plane_cnn"), "did you mean plain_cnn"),
        (("--storage", "mysql://a:b@c/d", "--trials", "1"), "--storage mysql://a@c: expected sqlite"),
        (("--show",), "no studies under"),
        (("--show", "--storage", "sqlite:///empty.db"), "no studies in that database"),
        (("--models", "ensemble:plain_cnn+resnet_custom"), "made of networks and not searched itself"),
        (("--models", "plain_cnn@tuned"), "made of networks and not searched itself"),
        (("--out", "people.csv", "--trials", "1"), "--out people.csv: cannot be written"),
    ],
)
def test_a_refusal_is_one_line(
    run_bench: RunBench, faces_csv: Path, arguments: tuple[str, ...], words_said: str
) -> None:
    done = run_bench("tune", "--data", str(faces_csv), "--groups", "people.csv", *arguments)
    assert done.returncode == 2
    assert words_said in done.stderr
    assert done.stderr.count("\n") == 1


KILLED_ONCE = """
import os, signal
from pathlib import Path
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(144, 30))

    def forward(self, pictures):
        if self.training and Path("armed").exists():
            if '"owner"' in Path("results/tuning/studies.journal").read_text():  # in a trial, not while one is timed
                Path("armed").unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return self.layers(pictures)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL here")
def test_a_trial_whose_process_is_killed_is_tried_in_another(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(KILLED_ONCE)
    (tmp_path / "armed").touch()
    search = ("tune", "--models", "net.py:Net", "--data", str(faces_csv), "--groups", "people.csv", "--trials", "1")
    done = run_bench(*search, "--epochs", "1", "--search-epochs", "1", "--workers", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "armed").exists()
    (trial,) = json.loads(done.stdout)["studies"][0]["trials"]
    assert trial["state"] == "complete", trial
