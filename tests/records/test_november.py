"""A results folder of November 2026, written before the redrawing, stays readable and is never taken for fresh work.

``fixtures/november`` holds forty drawn rows of ten people, three folds, two epochs, latency (samples thinned), a
network that failed in every fold and an ensemble: ``bench run --models
plain_cnn,resnet_custom,ensemble:plain_cnn+resnet_custom,broken.py:Broken --folds 3 --epochs 2`` with width 4.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunBench

NOVEMBER = Path(__file__).parent / "fixtures" / "november"


@pytest.fixture
def november(tmp_path: Path) -> Path:
    """A copy of the folder, without its derived files."""
    copied = tmp_path / "november"
    shutil.copytree(NOVEMBER, copied, ignore=shutil.ignore_patterns("leaderboard.*"))
    return copied


def rows(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["model"]: row for row in document["rows"]}


def assert_same(new: object, old: object, place: str) -> None:
    """What stood in the old document stands in the new one; new facts may have come beside it."""
    if isinstance(old, dict):
        assert isinstance(new, dict), place
        for key, value in old.items():
            assert_same(new.get(key), value, f"{place}.{key}")
    elif isinstance(old, list):
        assert isinstance(new, list), place
        assert len(new) == len(old), place
        for number, (mine, theirs) in enumerate(zip(new, old, strict=True)):
            assert_same(mine, theirs, f"{place}[{number}]")
    elif isinstance(old, float):
        assert new == pytest.approx(old, rel=1e-4), place
    else:
        assert new == old, place


def test_an_old_board_is_shown_with_all_its_rows_and_numbers(run_bench: RunBench, november: Path) -> None:
    done = run_bench("report", "--out", str(november), "--format", "md,json,csv")
    assert done.returncode == 0, done.stderr
    new, old = (json.loads((folder / "leaderboard.json").read_text()) for folder in (november, NOVEMBER))
    assert list(rows(new)) == list(rows(old))
    for model, row in rows(old).items():
        assert set(rows(new)[model]["flags"]) == {*row.pop("flags"), "earlier code"}, model
        row.pop("tie_group")  # letters stand in its place
        assert_same(rows(new)[model], row, model)
    for part in ("dataset", "protocol", "machine", "failed", "unlike_records"):
        assert_same(new[part], old[part], part)


def test_an_old_cell_is_never_taken_for_a_finished_one(run_bench: RunBench, faces_csv: Path, november: Path) -> None:
    before = {path.stem for path in november.glob("cells/*/*.json")}
    (old_protocol,) = november.glob("truth/*.npz")
    done = run_bench(
        *("run", "--models", "plain_cnn,resnet_custom", "--out", "november", "--no-latency", "--workers", "1"),
        *("--data", faces_csv.name, "--groups", "people.csv", "--folds", "3", "--epochs", "2"),
        *("--set", "models.plain_cnn.width=4", "--set", "models.resnet_custom.width=4"),
    )
    assert done.returncode == 0, done.stderr
    assert "recorded already" not in done.stderr
    assert len({path.stem for path in november.glob("cells/*/*.json")} - before) == 5 * 3
    # The same rows under the same folds are the same protocol as then: old and new rows stand on one board.
    assert list(november.glob("truth/*.npz")) == [old_protocol]
    board = rows(json.loads((november / "leaderboard.json").read_text()))
    assert {"plain_cnn", "resnet_custom", "mean_face", "knn", "ridge"} <= set(board)
    assert not any("earlier code" in row["flags"] for row in board.values())
