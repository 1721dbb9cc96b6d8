"""A study that bench wrote before its rooms were redrawn is read, shown and continued.

``fixtures/earlier`` is the ``tuning`` folder of ``bench tune --models plain_cnn --trials 5``, then of the same command
with ``--trials 9``, killed while it trained its eighth trial.
"""

import json
import shutil
from pathlib import Path

import optuna
import pytest
from optuna.distributions import BaseDistribution
from optuna.trial import TrialState

from bench.config.loading import load_config
from bench.records.studies import best_of
from bench.records.tuned import load_tuned
from bench.tuning import ownership
from bench.tuning.history import read_studies, read_trials
from bench.tuning.journal import journal_path, open_storage
from bench.tuning.parameters import Parameter, Range
from bench.tuning.search import Search, SearchEnd
from tests.conftest import RunBench
from tests.tuning.rehearsal import Arithmetic, make_objective, small_faces

EARLIER = Path(__file__).parent / "fixtures" / "earlier"
STUDY = "plain_cnn fold 0 4cfefef4"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with what was searched then."""
    shutil.copytree(EARLIER, tmp_path / "results" / "tuning")
    return tmp_path / "results"


def test_its_trials_are_read(results: Path) -> None:
    (study,) = read_studies(results)
    assert (study.name, study.model, study.outer_fold, study.inner_folds) == (STUDY, "plain_cnn", 0, 3)
    assert [trial.state for trial in study.trials] == ["complete"] * 5 + ["pruned"] * 2 + ["running"]
    assert study.best is not None and study.best.number == 4 and study.best.value == pytest.approx(15.5538474)
    assert study.best.params["recipe.loss"] == "smooth_l1"
    assert study.trials[0].is_default and study.trials[0].fold_seconds == (7.578, 0.077, 0.076)
    assert "others did better" in (study.trials[6].reason or "")


@pytest.mark.usefixtures("results")
def test_it_is_shown(run_bench: RunBench) -> None:
    shown = run_bench("tune", "--show", "--json")
    assert shown.returncode == 0, shown.stderr
    (study,) = json.loads(shown.stdout)["studies"]
    assert study["best"] == study["trials"][4]
    assert set(study["best"]) >= {"number", "state", "value", "params", "seconds", "reason"}
    assert set(study) >= {
        "name", "model", "outer_fold", "best", "folds_trained", "seconds", "saved_seconds", "importances", "trials",
    }  # fmt: skip
    assert "plain_cnn: Tuned is better" in run_bench("tune", "--show").stdout


def test_its_findings_are_read_and_are_a_configuration(results: Path) -> None:
    found = load_tuned(results, "plain_cnn")
    assert found.adopted and found.folds[0].interval_px == pytest.approx((0.41251754, 0.50334445))
    config = load_config(results / "tuning" / "plain_cnn.toml")
    assert config.models["plain_cnn"].recipe == found.recipe
    assert config.tuned["plain_cnn"].protocol == found.protocol


def as_range(distribution: BaseDistribution) -> Range:
    facts = vars(distribution)
    kind = type(distribution).__name__.removesuffix("Distribution").lower()
    return Range(type=kind, **{name: facts[name] for name in Range.model_fields if name in facts})


def test_the_search_goes_on_where_it_was_killed(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "STALE_S", float("-inf"))  # whatever this machine's clock says
    study = optuna.load_study(study_name=STUDY, storage=open_storage(results, None))
    before = study.get_trials()
    lost = before[7]
    faces = small_faces()
    space = tuple(Parameter(name, as_range(one), before[0].params[name]) for name, one in lost.distributions.items())
    Search(study, space, make_objective(faces), SearchEnd(trials=9)).work(Arithmetic(faces))
    trials = optuna.load_study(study_name=STUDY, storage=open_storage(results, None)).get_trials()
    assert [trial.params for trial in trials[:8]] == [trial.params for trial in before]
    assert sum(map(ownership.counts, trials)) == 9
    assert trials[7].state == TrialState.FAIL and trials[7].user_attrs["uncounted"] == "interrupted"
    (again,) = [trial for trial in trials if trial.user_attrs.get("task") == "retry:7"]
    assert again.params == lost.params
    assert len([trial for trial in trials if trial.user_attrs.get(ownership.DEFAULTS)]) == 1
    best = best_of(read_trials(study))
    assert best is not None and best.value is not None and best.value < 15


@pytest.mark.slow
def test_a_new_search_keeps_its_studies_beside_the_old_one(results: Path, run_bench: RunBench, faces_csv: Path) -> None:
    words = ("--data", str(faces_csv), "--groups", "people.csv", "--epochs", "1", "--workers", "1", "--trials", "2")
    done = run_bench("tune", "--models", "plain_cnn", *words, "--set", "models.plain_cnn.width=8", "--json")
    assert done.returncode == 0, done.stderr
    old, new = json.loads(done.stdout)["studies"]
    assert (old["name"], len(old["trials"])) == (STUDY, 8)
    assert len(new["trials"]) == 2
    assert journal_path(results).stat().st_size > (EARLIER / "studies.journal").stat().st_size
