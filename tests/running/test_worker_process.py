"""A worker's failures come back as outcomes."""

from pathlib import Path

import numpy as np
import pytest

from bench import child_process
from bench.config.recipe import Recipe
from bench.faces.face_set import FaceSource
from bench.running.task import FoldTask
from bench.running.worker_process import WorkerProcess

ROWS = np.arange(2)
TASK = FoldTask(FaceSource(Path("faces.csv")), "0" * 16, "mean_face", Recipe(), ROWS, ROWS, seed=0)


def test_a_worker_that_cannot_be_started_fails_its_cell_and_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(child_process.subprocess, "Popen", refuse)
    outcome = WorkerProcess().run(TASK, lambda _: None)
    assert (outcome.predictions, outcome.cause) == (None, "killed")
    assert "Cannot allocate memory" in (outcome.reason or "")
