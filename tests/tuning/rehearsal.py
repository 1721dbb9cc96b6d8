"""A search without networks: its folds are 'trained' by arithmetic, so whole searches take milliseconds.

As a command it joins the study at a storage, for the tests that kill it: ``python -m tests.tuning.rehearsal OUT URL
TRIALS SECONDS``, where URL may be ``journal``. It prints ``ready`` when its search begins and notes each evaluation
that came to its end in ``OUT/evaluations.txt``.
"""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna

from bench.config.recipe import Recipe
from bench.faces.face_set import FaceSet, FaceSource
from bench.records.schema import VariantFacts
from bench.running.task import FoldOutcome, FoldTask
from bench.tuning.announcements import TrialEnded, TuningEvent
from bench.tuning.journal import open_storage
from bench.tuning.objective import Objective, split_training_part
from bench.tuning.parameters import Parameter, Range
from bench.tuning.pruning import make_pruner
from bench.tuning.sampling import SteadySampler
from bench.tuning.search import Search, SearchEnd

SPACE = (
    Parameter("recipe.lr", Range(type="float", low=1e-4, high=1e-1, log=True), 3e-3),
    Parameter("recipe.loss", Range(type="categorical", choices=("wing", "mse")), "wing"),
    Parameter("options.width", Range(type="int", low=8, high=64, step=8), 32),
)
DEFAULTS = {parameter.name: parameter.default for parameter in SPACE}


def small_faces(rows: int = 36, groups: int = 12) -> FaceSet:
    """Noise with fifteen points each; ``groups`` people."""
    generator = np.random.default_rng(0)
    keypoints = generator.uniform(20, 70, (rows, 15, 2)).astype(np.float32)
    images = generator.integers(0, 256, (rows, 96, 96), dtype=np.uint8)
    return FaceSet("small", images, keypoints, np.arange(rows) % groups, "none", False, "f" * 16)


def error_px(task: FoldTask) -> float:
    """What a training with these parameters misses by: lowest at lr 0.01, wide, Wing."""
    distance = abs(np.log10(task.recipe.lr) + 2)
    return float(1.0 + distance + (task.recipe.loss != "wing") + 8.0 / float(str(task.variant.options["width"])))


class Arithmetic:
    """A fold runner whose predictions miss every coordinate by :func:`error_px`; tasks seen are kept."""

    def __init__(self, faces: FaceSet, seconds: float = 0.0) -> None:
        self.faces = faces
        self.seconds = seconds
        self.tasks: list[FoldTask] = []
        self.lock = threading.Lock()

    def __call__(self, task: FoldTask, timeout_s: float | None) -> FoldOutcome:
        with self.lock:
            self.tasks.append(task)
        if timeout_s is not None and self.seconds > timeout_s:
            time.sleep(max(timeout_s, 0.0))
            return FoldOutcome(None, cause="timeout", reason="too long")
        time.sleep(self.seconds)
        return FoldOutcome(self.faces.keypoints[task.scored_rows] + np.float32(error_px(task)), train_seconds=0.0)


def make_objective(faces: FaceSet, train_rows: np.ndarray | None = None, give_up: float | None = None) -> Objective:
    """Three inner folds over ``train_rows`` (all rows)."""
    rows = np.arange(faces.rows) if train_rows is None else train_rows
    variant = VariantFacts(recipe=Recipe(epochs=4))
    base = FoldTask(FaceSource(None), faces.fingerprint, "plain_cnn", variant, rows, rows[:0], seed=7)
    return Objective(base, faces.keypoints, split_training_part(faces, rows, 3, 0), give_up)


def open_study(storage: optuna.storages.BaseStorage, seed: int = 0, *, prune: bool = True) -> optuna.Study:
    """The one study of these tests."""
    return optuna.create_study(
        storage=storage,
        study_name="rehearsal",
        load_if_exists=True,
        sampler=SteadySampler(seed),
        pruner=make_pruner(25.0, 4, prune=prune),
    )


def make_search(study: optuna.Study, objective: Objective, end: SearchEnd) -> Search:
    """A search over :data:`SPACE`."""
    return Search(study, SPACE, objective, end)


def rehearse(out: Path, url: str | None, trials: int, seconds: float, ended: Callable[[TrialEnded], None]) -> None:
    """Join the study until it is over; each fold takes ``seconds``."""
    faces = small_faces()
    storage = open_storage(out, url)
    search = make_search(open_study(storage), make_objective(faces), SearchEnd(trials))

    def told(event: TuningEvent) -> None:
        if isinstance(event, TrialEnded):
            ended(event)

    search.on_event = told
    search.work(Arithmetic(faces, seconds))


def main(out: Path, url: str, trials: int, seconds: float) -> None:
    """Join, and note what was evaluated to its end."""

    def ended(event: TrialEnded) -> None:
        with (out / "evaluations.txt").open("a") as stream:
            stream.write(f"{event.number} {event.result.state}\n")

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    rehearse(out, None if url == "journal" else url, trials, seconds, ended)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
