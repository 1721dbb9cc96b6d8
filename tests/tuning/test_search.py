"""The ask-and-tell loop: counting, pruning, budgets, determinism, failures."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from bench.errors import CircumstanceError
from bench.faces.face_set import FaceSet
from bench.processes.side_by_side import side_by_side
from bench.records.studies import best_of, default_of
from bench.running.task import FoldOutcome, FoldTask
from bench.tuning import ownership
from bench.tuning.findings import summarise_study
from bench.tuning.history import read_trials
from bench.tuning.journal import open_storage
from bench.tuning.objective import RunFold
from bench.tuning.search import Search, SearchEnd
from tests.tuning.rehearsal import DEFAULTS, Arithmetic, make_objective, make_search, open_study, small_faces


@pytest.fixture
def study() -> optuna.Study:
    return open_study(optuna.storages.InMemoryStorage())


def run(study: optuna.Study, trials: int, **changes: object) -> Arithmetic:
    faces = small_faces()
    runner = Arithmetic(faces)
    search = replace(make_search(study, make_objective(faces), SearchEnd(trials)), **changes)  # type: ignore[arg-type]
    search.work(runner)
    return runner


def counted(study: optuna.Study) -> list[FrozenTrial]:
    return [trial for trial in study.get_trials() if ownership.counts(trial)]


def test_defaults_come_first_and_are_never_pruned(study: optuna.Study) -> None:
    run(study, 12)
    first = study.get_trials()[0]
    assert first.params == DEFAULTS
    assert first.state == TrialState.COMPLETE
    assert first.user_attrs["folds_done"] == 3


def test_exactly_the_asked_trials_and_more_when_asked_for_more(study: optuna.Study) -> None:
    run(study, 5)
    assert len(study.get_trials()) == 5
    run(study, 5)
    assert len(study.get_trials()) == 5
    run(study, 8)
    assert len(counted(study)) == len(study.get_trials()) == 8


def test_pruning_saves_folds_and_finds_something_better_than_the_defaults(study: optuna.Study) -> None:
    runner = run(study, 30)
    states = [trial.state for trial in study.get_trials()]
    assert states.count(TrialState.PRUNED) > 10
    assert len(runner.tasks) < 0.7 * 30 * 3
    best, default = best_of(read_trials(study)), default_of(read_trials(study))
    assert best is not None and default is not None and best.value is not None and default.value is not None
    assert best.value < default.value
    assert all(trial.user_attrs["reason"] for trial in study.get_trials() if trial.state == TrialState.PRUNED)


def test_no_pruning_trains_every_fold() -> None:
    runner = run(open_study(optuna.storages.InMemoryStorage(), prune=False), 8)
    assert len(runner.tasks) == 8 * 3


def test_the_same_seed_gives_the_same_trials_and_another_seed_others() -> None:
    def params(seed: int) -> list[dict[str, object]]:
        study = open_study(optuna.storages.InMemoryStorage(), seed)
        run(study, 14)
        return [trial.params for trial in study.get_trials()]

    assert params(1) == params(1)
    assert params(1) != params(2)


def test_a_search_in_two_sittings_tries_what_one_sitting_would(tmp_path: Path) -> None:
    whole, parted = (open_study(open_storage(tmp_path / name, None)) for name in ("whole", "parted"))
    run(whole, 12)
    run(parted, 7)
    again = open_study(open_storage(tmp_path / "parted", None))
    run(again, 12)
    assert [trial.params for trial in whole.get_trials()] == [trial.params for trial in again.get_trials()]


def test_rows_outside_the_training_part_are_never_touched(study: optuna.Study) -> None:
    faces = small_faces()
    train = np.flatnonzero(faces.groups % 3 != 0)
    runner = Arithmetic(faces)
    make_search(study, make_objective(faces, train), SearchEnd(6)).work(runner)
    for task in runner.tasks:
        assert set(task.train_rows) | set(task.scored_rows) == set(train)
        assert not set(faces.groups[task.train_rows]) & set(faces.groups[task.scored_rows])


def test_a_failure_is_a_counted_trial_with_its_reason(study: optuna.Study) -> None:
    faces = small_faces()
    works = Arithmetic(faces)

    def sometimes(task: FoldTask, timeout_s: float | None) -> FoldOutcome:
        if task.recipe.loss == "mse":
            return FoldOutcome(None, cause="out of memory", reason="9 GB asked for")
        return works(task, timeout_s)

    make_search(study, make_objective(faces), SearchEnd(10)).work(sometimes)
    failed = [trial for trial in study.get_trials() if trial.state == TrialState.FAIL]
    assert failed
    assert all(trial.user_attrs["reason"].startswith("out of memory on inner fold 1") for trial in failed)
    assert len(counted(study)) == len(study.get_trials()) == 10
    assert summarise_study(study, 0).trials["failed"] == len(failed)


def test_a_failure_of_circumstance_does_not_count_ends_the_search_and_is_tried_again(study: optuna.Study) -> None:
    away = FoldOutcome(None, cause="circumstance", reason="faces.csv: cannot be read")
    with pytest.raises(
        CircumstanceError, match=r"faces\.csv: cannot be read; mend that and run the same command again"
    ):
        make_search(study, make_objective(small_faces()), SearchEnd(2)).work(lambda *_: away)
    assert [trial.user_attrs["uncounted"] for trial in study.get_trials()] == ["interrupted"]
    assert not counted(study)
    run(study, 2)
    assert [trial.state for trial in counted(study)] == [TrialState.COMPLETE] * 2
    assert counted(study)[0].params == DEFAULTS


def test_a_fold_that_takes_longer_than_a_cell_may_is_a_failure_while_time_is_left(study: optuna.Study) -> None:
    too_long = FoldOutcome(None, cause="timeout", reason="took longer than 5 s (--cell-timeout)")
    make_search(study, make_objective(small_faces()), SearchEnd(2)).work(lambda *_: too_long)
    assert [trial.state for trial in counted(study)] == [TrialState.FAIL] * 2
    assert study.get_trials()[0].user_attrs["reason"].startswith("timeout on inner fold 1: took longer than 5 s")


def hopeless_but_the_defaults(faces: FaceSet, seen: list[FoldTask]) -> RunFold:
    """Trainings that miss by 50 px, except those of the defaults."""
    works = Arithmetic(faces)

    def run_fold(task: FoldTask, timeout_s: float | None) -> FoldOutcome:
        outcome = works(task, timeout_s)
        seen.append(task)
        if task.recipe.lr == DEFAULTS["recipe.lr"]:
            return replace(outcome, mark_px=2.0)
        return FoldOutcome(faces.keypoints[task.scored_rows] + np.float32(50))

    return run_fold


def test_worse_than_the_mean_face_is_pruned_with_these_words(study: optuna.Study) -> None:
    faces, seen = small_faces(), list[FoldTask]()
    make_search(study, make_objective(faces, give_up=0.5), SearchEnd(3)).work(hopeless_but_the_defaults(faces, seen))
    assert [trial.state.name for trial in study.get_trials()] == ["COMPLETE", "PRUNED", "PRUNED"]
    assert "no better than the mean face" in study.get_trials()[1].user_attrs["reason"]
    marks = [task.give_up for task in seen]
    assert all(mark is not None and mark.epoch == 2 for mark in marks)
    assert [mark.rmse_px for mark in marks[:3] if mark] == [np.inf] * 3, "the defaults are trained to their end"
    assert all(mark is not None and mark.rmse_px < 50 for mark in marks[3:])


@pytest.mark.parametrize("final_px", [1.0, 50.0], ids=["at the mark", "at the end"])
def test_the_mean_face_is_no_bar_that_the_defaults_do_not_clear(study: optuna.Study, final_px: float) -> None:
    faces, seen = small_faces(), list[FoldTask]()

    def run_fold(task: FoldTask, timeout_s: float | None) -> FoldOutcome:
        del timeout_s
        seen.append(task)
        return FoldOutcome(faces.keypoints[task.scored_rows] + np.float32(final_px), mark_px=50.0)

    make_search(study, make_objective(faces, give_up=0.5), SearchEnd(3)).work(run_fold)
    assert [trial.state.name for trial in study.get_trials()] == ["COMPLETE"] * 3
    assert all(task.give_up is None for task in seen[3:])


def test_a_broken_constraint_costs_no_training_and_is_never_best(study: optuna.Study) -> None:
    runner = run(study, 12, excess=lambda params: {"width": float(params["options.width"]) - 32})
    wide = [trial for trial in study.get_trials() if trial.params["options.width"] > 32]
    assert wide
    assert all(trial.state == TrialState.PRUNED and trial.constraints["width"] > 0 for trial in wide)
    assert all(int(str(task.variant.options["width"])) <= 32 for task in runner.tasks)
    best = best_of(read_trials(study))
    assert best is not None and best.params["options.width"] <= 32


def test_defaults_that_break_a_limit_give_way_to_the_best_within_it(study: optuna.Study) -> None:
    run(study, 12, excess=lambda params: {"width": float(params["options.width"]) - 24})
    found = summarise_study(study, 0)
    assert not found.defaults_allowed and found.improved
    assert found.options["width"] <= 24
    assert found.inner_best_px is not None and found.inner_default_px is not None


def test_several_threads_share_a_study_without_one_trial_too_many(tmp_path: Path) -> None:
    faces = small_faces()
    runner = Arithmetic(faces, 0.01)
    study = open_study(open_storage(tmp_path, None))
    search = make_search(study, make_objective(faces), SearchEnd(9, workers=3))
    side_by_side([lambda: search.work(runner)] * 3, search.stop)
    assert len(counted(study)) == 9
    assert not [trial for trial in study.get_trials() if not trial.state.is_finished()]


def test_a_budget_ends_the_search_and_an_unfinished_trial_does_not_count(study: optuna.Study) -> None:
    faces = small_faces()
    search = make_search(study, make_objective(faces), SearchEnd(None, seconds=1.0))
    search.work(Arithmetic(faces, 0.04))
    spent = sum(trial.user_attrs.get("seconds", 0.0) for trial in study.get_trials())
    assert 0.5 < spent < 1.3
    assert not [trial for trial in study.get_trials() if trial.state == TrialState.RUNNING]
    assert len(counted(study)) > 3


def test_a_stopped_search_tells_its_trial_and_the_next_one_tries_it_again(study: optuna.Study) -> None:
    faces = small_faces()
    objective = make_objective(faces)
    works = Arithmetic(faces)
    search: Search = make_search(study, objective, SearchEnd(4))

    def stopping(task: FoldTask, timeout_s: float | None) -> FoldOutcome:
        if len(works.tasks) == 5:  # inside the second trial
            search.stop.set()
            return FoldOutcome(None, cause="killed", reason="stopped")
        return works(task, timeout_s)

    search.work(stopping)
    assert [trial.state.name for trial in study.get_trials()] == ["COMPLETE", "FAIL"]
    interrupted = study.get_trials()[1]
    make_search(study, objective, SearchEnd(4)).work(works)
    again = [trial for trial in study.get_trials() if trial.user_attrs.get("task") == "retry:1"]
    assert [trial.params for trial in again] == [interrupted.params]
    assert len(counted(study)) == 4


def test_an_exception_in_one_thread_stops_the_others_and_leaves_nothing_running(tmp_path: Path) -> None:
    faces = small_faces()
    study = open_study(open_storage(tmp_path, None))
    search = make_search(study, make_objective(faces), SearchEnd(50, workers=2))
    slow = Arithmetic(faces, 0.02)
    broke = threading.Event()

    def breaks(task: FoldTask, timeout_s: float | None) -> FoldOutcome:
        if len(slow.tasks) > 8 and not broke.is_set():
            broke.set()
            raise OSError("disk full")
        return slow(task, timeout_s)

    with pytest.raises(OSError, match="disk full"):
        side_by_side([lambda: search.work(breaks)] * 2, search.stop)
    assert not [trial for trial in study.get_trials() if trial.state == TrialState.RUNNING]
