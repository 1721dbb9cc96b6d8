"""Networks that misbehave beside good ones: each is a row among the failures, and changes nothing for the others."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import RunBench, write_faces_csv
from tests.running.test_run_command import arguments


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
