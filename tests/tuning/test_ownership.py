"""Trials of dead owners are told and tried again, once."""

import os
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from bench.tuning import ownership
from bench.tuning.ownership import Owner

X = {"x": optuna.distributions.FloatDistribution(0, 1)}


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study()


def dead_process() -> Owner:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    here = Owner.this_process()
    return Owner(here.host, child.pid, here.started)


def ask(study: optuna.Study, owner: Owner | None, **attributes: Any) -> optuna.trial.Trial:
    trial = study.ask(X)
    if owner is not None:
        trial.set_user_attr("owner", asdict(owner))
    for name, value in attributes.items():
        trial.set_user_attr(name, value)
    return trial


def test_a_living_owner_keeps_its_trial(study: optuna.Study) -> None:
    ask(study, Owner.this_process())
    assert ownership.settle_abandoned(study) == 0
    assert study.get_trials()[0].state == TrialState.RUNNING


def test_the_trial_of_a_dead_process_is_told_and_enqueued_once(study: optuna.Study) -> None:
    lost = ask(study, dead_process())
    assert ownership.settle_abandoned(study) == 1
    assert ownership.settle_abandoned(study) == 0
    first, second = study.get_trials()
    assert first.state == TrialState.FAIL and first.user_attrs["uncounted"] == "interrupted"
    assert second.state == TrialState.WAITING
    assert study.ask(X).params == lost.params


def test_a_process_number_used_again_is_another_process(study: optuna.Study) -> None:
    here = Owner.this_process()
    ask(study, Owner(here.host, os.getpid(), here.started - 1000))
    assert ownership.settle_abandoned(study) == 1


def test_another_machine_is_believed_until_it_falls_silent(study: optuna.Study) -> None:
    ask(study, Owner("elsewhere", 1, 0.0), seen=time.time() - ownership.STALE_S / 2)
    assert ownership.settle_abandoned(study) == 0
    ask(study, Owner("elsewhere", 2, 0.0), seen=time.time() - ownership.STALE_S - 1)
    assert ownership.settle_abandoned(study) == 1


def test_a_trial_that_nobody_claimed_is_given_up_after_a_while(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(study, None)
    assert ownership.settle_abandoned(study) == 0
    monkeypatch.setattr(ownership, "UNCLAIMED_S", 0.0)
    assert ownership.settle_abandoned(study) == 1


def test_killed_between_telling_and_enqueueing_the_next_one_enqueues(study: optuna.Study) -> None:
    lost = ask(study, dead_process())
    ownership.fail(study, lost, "killed right after this", uncounted="interrupted")
    assert [trial.state for trial in study.get_trials()] == [TrialState.FAIL]
    ownership.settle_abandoned(study)
    assert [trial.state for trial in study.get_trials()] == [TrialState.FAIL, TrialState.WAITING]


def test_of_two_equal_retries_the_later_one_is_surplus(study: optuna.Study) -> None:
    study.enqueue_trial({"x": 0.5}, user_attrs={"task": "retry:9"})
    study.enqueue_trial({"x": 0.5}, user_attrs={"task": "retry:9"})
    first, second = study.ask(X), study.ask(X)
    assert not ownership.is_repeat(study, first)
    assert ownership.is_repeat(study, second)


def test_the_interrupted_defaults_stay_the_defaults(study: optuna.Study) -> None:
    ownership.enqueue_defaults(study, {"x": 0.25})
    ownership.enqueue_defaults(study, {"x": 0.25})
    assert len(study.get_trials()) == 1
    ask(study, dead_process())
    ownership.settle_abandoned(study)
    again = study.ask(X)
    assert again.params == {"x": 0.25}
    assert again.user_attrs[ownership.DEFAULTS] is True


def test_telling_what_another_machine_told_already_is_no_error(study: optuna.Study) -> None:
    trial = ask(study, Owner.this_process())
    study.tell(trial.number, 1.0)
    ownership.fail(study, trial, "too late")
    assert study.get_trials()[0].state == TrialState.COMPLETE


def test_a_heartbeat_renews_what_was_seen(study: optuna.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "BEAT_S", 0.01)
    trial = ask(study, Owner.this_process(), seen=0.0)
    with ownership.heartbeat(trial):
        time.sleep(0.2)
    assert study.get_trials()[0].user_attrs["seen"] > 1e9


def test_a_heartbeat_that_cannot_be_written_once_is_written_the_next_time(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "BEAT_S", 0.01)
    trial = ask(study, Owner.this_process(), seen=0.0)
    write, refused = trial.set_user_attr, []

    def refuse_once(name: str, value: Any) -> None:
        if not refused:
            refused.append(name)
            raise OSError("the database is away")
        write(name, value)

    monkeypatch.setattr(trial, "set_user_attr", refuse_once)
    with ownership.heartbeat(trial):
        time.sleep(0.2)
    assert refused and study.get_trials()[0].user_attrs["seen"] > 1e9
