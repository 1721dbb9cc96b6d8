"""Which trials are given up between inner folds."""

import optuna
import pytest

from bench.tuning.pruning import FoldPruner, make_pruner


def complete(study: optuna.Study, *running_px: float) -> None:
    trial = study.ask()
    for step, value in enumerate(running_px):
        trial.report(value, step)
    study.tell(trial, running_px[-1])


@pytest.fixture
def study() -> optuna.Study:
    study = optuna.create_study(pruner=FoldPruner(25.0, 4))
    for value in (2.0, 3.0, 4.0, 5.0):
        complete(study, value, value + 1)
    return study


@pytest.mark.parametrize(("first_px", "pruned"), [(1.9, False), (2.7, False), (2.8, True), (9.0, True)])
def test_only_the_best_quarter_goes_on(study: optuna.Study, first_px: float, pruned: bool) -> None:
    trial = study.ask()
    trial.report(first_px, 0)
    assert trial.should_prune() is pruned


def test_the_newest_report_counts_not_the_lowest(study: optuna.Study) -> None:
    trial = study.ask()
    trial.report(1.0, 0)
    assert not trial.should_prune()
    trial.report(5.5, 1)
    assert trial.should_prune(), "an easy first fold is no licence for the others"


def test_too_few_complete_trials_prune_nothing() -> None:
    study = optuna.create_study(pruner=make_pruner(25.0, 4, prune=True))
    for value in (1.0, 1.1, 1.2):
        complete(study, value)
    trial = study.ask()
    trial.report(99.0, 0)
    assert not trial.should_prune()


def test_no_pruning_when_not_asked_for(study: optuna.Study) -> None:
    study.pruner = make_pruner(25.0, 4, prune=False)
    trial = study.ask()
    trial.report(99.0, 0)
    assert not trial.should_prune()
