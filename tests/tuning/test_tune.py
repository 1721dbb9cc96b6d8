"""From a configuration to its studies, without training a network."""

from pathlib import Path
from typing import Any

import optuna

from bench.config.loading import load_config
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces
from bench.running.plan import make_plan
from bench.tuning.parameters import Parameter, Range
from bench.tuning.search import Search, SearchEnd
from bench.tuning.tune import Assignment, make_objective, open_study
from tests.tuning.rehearsal import Arithmetic

SPACE = (Parameter("recipe.lr", Range(type="float", low=1e-4, high=1e-1, log=True), 3e-3),)


def searched(faces_csv: Path, trials: int, **tuning: Any) -> list[dict[str, Any]]:
    """The parameters that a search of ``trials`` trials tries."""
    run = {"models": ("plain_cnn",), "data": faces_csv, "groups": str(faces_csv.parent / "people.csv")}
    config = load_config(None, ["models.plain_cnn.width=8"], run, tuning)
    source = FaceSource.of(config)
    faces = load_faces(source)
    plan = make_plan(config, source, faces)
    assignment = Assignment(next(cell for cell in plan.cells if cell.model == "plain_cnn"), SPACE)
    objective = make_objective(config, faces, assignment)
    study = open_study(optuna.storages.InMemoryStorage(), config, plan, assignment)
    Search(study, SPACE, objective, SearchEnd(trials)).work(Arithmetic(faces))
    return [trial.params for trial in study.get_trials()]


def test_a_search_draws_the_same_with_and_without_pruning_and_limits(faces_csv: Path) -> None:
    drawn = searched(faces_csv, 8)
    assert searched(faces_csv, 8, prune=False) == drawn
    assert searched(faces_csv, 8, max_params=10**9) == drawn
