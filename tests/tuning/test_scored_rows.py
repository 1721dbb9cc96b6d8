"""Rows scored with parameters whose search has seen them are flagged and not ranked, however the parameters came."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.config.loading import load_config
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces
from bench.records.tuned import FoldFinding, Mode, TunedParameters, write_tuned
from bench.running.plan import make_plan
from tests.conftest import RunBench

FLAG = "tuned on scored rows"


def found(faces_csv: Path, out: Path, mode: Mode) -> Path:
    """What a search over two outer folds would have left."""
    source = FaceSource(faces_csv, str(faces_csv.parent / "people.csv"))
    config = load_config(None, (), {"models": ("plain_cnn",), "folds": 2})
    protocol = make_plan(config, source, load_faces(source)).protocol_digest
    folds = tuple(FoldFinding(outer_fold=fold, study="s", options={"width": 8}, recipe={"lr": 0.02}) for fold in (0, 1))
    tuned = TunedParameters(
        model="plain_cnn", mode=mode, protocol=protocol, folds=folds, adopted=True, verdict="Better.",
        search_epochs=1, epochs=1,
    )  # fmt: skip
    return write_tuned(out, tuned)


def rows(run_bench: RunBench, faces_csv: Path, *words: str) -> dict[str, dict[str, Any]]:
    """The leaderboard's rows by model, of a run over two folds."""
    fixed = ("run", "--models", "plain_cnn", "--data", str(faces_csv), "--groups", "people.csv", "--folds", "2")
    done: subprocess.CompletedProcess[str] = run_bench(*fixed, "--epochs", "1", "--no-latency", "--json", *words)
    assert done.returncode == 0, done.stderr
    return {row["model"]: row for row in json.loads(done.stdout)["rows"]}


@pytest.mark.slow
def test_a_plain_search_is_flagged_under_tuned_and_under_config(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    path = found(faces_csv, tmp_path / "results", "plain")
    table = rows(run_bench, faces_csv, "--tuned", "--set", "models.plain_cnn.width=8")
    assert FLAG in table["plain_cnn@tuned"]["flags"] and table["plain_cnn@tuned"]["rank"] is None
    assert FLAG not in table["plain_cnn"]["flags"] and table["plain_cnn"]["rank"] is not None
    table = rows(run_bench, faces_csv, "--config", str(path), "--out", "elsewhere")
    assert FLAG in table["plain_cnn"]["flags"] and table["plain_cnn"]["rank"] is None


@pytest.mark.slow
def test_a_nested_search_is_ranked_under_tuned_but_one_set_for_all_folds_is_not(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    path = found(faces_csv, tmp_path / "results", "nested")
    table = rows(run_bench, faces_csv, "--tuned", "--set", "models.plain_cnn.width=8")
    assert FLAG not in table["plain_cnn@tuned"]["flags"] and table["plain_cnn@tuned"]["rank"] is not None
    table = rows(run_bench, faces_csv, "--config", str(path), "--out", "elsewhere")
    assert FLAG in table["plain_cnn"]["flags"]
