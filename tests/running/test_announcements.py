"""What a run says before it trains, and what it refuses."""

from pathlib import Path

import pytest

import bench
from bench.errors import ConfigError
from tests.conftest import RunBench

NETWORKS = Path(__file__).parent / "networks.py"


def test_rows_alone_are_not_called_clusters_and_what_could_not_be_timed_is_named(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    models = f"{NETWORKS}:Tiny,{NETWORKS}:Raising"
    done = run_bench(
        "run", "--models", models, "--data", str(faces_csv), "--groups", "none", "--quick", "--epochs", "1"
    )
    assert done.returncode == 1, done.stderr
    assert "40 rows, each row a group of its own" in done.stderr
    assert f"warning: estimate without {NETWORKS}:Raising: " in done.stderr
    assert "40 rows, 1 of 5 folds" in done.stdout
    for text in (done.stderr, (tmp_path / "results/leaderboard.md").read_text()):
        assert "near-duplicate" not in text


def test_settings_of_a_misspelt_model_are_refused(run_bench: RunBench, faces_csv: Path) -> None:
    done = run_bench("run", "--data", str(faces_csv), "--set", "models.resnet_custm.width=8")
    assert done.returncode == 2
    assert "models.resnet_custm: unknown model 'resnet_custm' (did you mean resnet_custom" in done.stderr


def test_python_takes_models_as_the_command_line_writes_them(
    faces_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="names 'plain_cnn' twice"):
        bench.run("plain_cnn, plain_cnn", data=faces_csv)
