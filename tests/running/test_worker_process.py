"""A worker's failures come back as outcomes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.errors import DataError, ModelError
from bench.faces.face_set import FaceSource
from bench.records.schema import TRANSIENT_CAUSES, VariantFacts
from bench.running.task import FoldTask
from bench.running.worker import failed
from bench.running.worker_process import WorkerProcess
from bench.training.loop import Diverged
from tests.conftest import bench_environment

ROWS = np.arange(2)
TASK = FoldTask(FaceSource(Path("faces.csv")), "0" * 16, "mean_face", VariantFacts(), ROWS, ROWS, seed=0)


FIRST_TRAINING = """
import sys, numpy
from pathlib import Path
from bench.config.recipe import Recipe
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces
from bench.records.schema import VariantFacts
from bench.running.task import FoldTask
from bench.running.worker import run_fold
from bench.training import loop
whole = loop.training
def training(*arguments):
    before = set(sys.modules)
    curve = yield from whole(*arguments)
    print(*sorted(name for name in set(sys.modules) - before if name.startswith("torch.")))
    return curve
loop.training = training
source, rows = FaceSource(Path(sys.argv[1]), "none"), numpy.arange(8)
variant = VariantFacts(recipe=Recipe(epochs=1, batch_size=4))
task = FoldTask(source, load_faces(source).fingerprint, sys.argv[2], variant, rows, rows, seed=0)
assert run_fold(task, lambda _: None).cause is None
assert "torch._dynamo" not in sys.modules, "torch's compiler costs every worker a second and 150 MB"
"""


def test_nothing_is_imported_on_the_clock_of_the_first_training(faces_csv: Path) -> None:
    command = [sys.executable, "-c", FIRST_TRAINING, str(faces_csv), f"{Path(__file__).parent / 'networks.py'}:Tiny"]
    done = subprocess.run(command, env=bench_environment(), capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(28, "No space left on device"), "circumstance"),
        (DataError("faces.csv: changed since the run began; run the command again"), "circumstance"),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "circumstance"),
        (torch.AcceleratorError("unspecified launch failure"), "circumstance"),
        (RuntimeError("CUDA out of memory"), "out of memory"),
        (MemoryError(), "out of memory"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "raised"),
        (ModelError("its own words"), "raised"),
        (Diverged("training loss became nan"), "diverged"),
    ],
)
def test_what_the_network_cannot_help_is_told_from_what_it_can(error: Exception, cause: str) -> None:
    assert failed(error).cause == cause
    assert failed(error).in_any_process is isinstance(error, DataError)
    assert (cause in TRANSIENT_CAUSES) is (cause in {"circumstance", "out of memory"})


def test_a_worker_that_cannot_be_started_fails_its_cell_and_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    outcome = WorkerProcess().run(TASK, lambda _: None)
    assert (outcome.predictions, outcome.cause) == (None, "killed")
    assert "Cannot allocate memory" in (outcome.reason or "")
