"""Who is working on a trial, whether they still live, and what happens to the trials of the dead.

Optuna's journal has no heartbeat and its databases beat only under ``study.optimize``, so each trial says itself who
owns it. Attributes of a trial (all JSON):

    owner       {host, process, started}: set right after the trial was asked for
    seen        seconds since 1970, renewed while the owner lives
    task        ``defaults`` or ``retry:NUMBER``: why it was enqueued
    defaults    true for the trial with every parameter at its default, and for its retries
    uncounted   why a FAIL does not count as one of the asked trials
    beat_mean_face  of the defaults: whether they did, per inner fold
    seconds, folds_done, fold_seconds, reason: how it went
"""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import optuna
import psutil
from optuna.trial import FrozenTrial, Trial, TrialState

from bench.processes.marks import host_digest

logger = logging.getLogger(__name__)

BEAT_S = 30.0
STALE_S = 300.0
"""A trial on another machine that was not seen for this long has lost its owner."""
UNCLAIMED_S = 10.0
"""A running trial without an owner was asked for by a process that died before it could say so."""

DEFAULTS = "defaults"
SURPLUS = "surplus"
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Owner:
    """One process; ``host`` is a digest, see :func:`bench.processes.marks.host_digest`."""

    host: str
    process: int
    started: float

    @classmethod
    def this_process(cls) -> "Owner":
        """The calling process."""
        return cls(host_digest(), os.getpid(), psutil.Process().create_time())

    def is_gone(self, seen: float) -> bool:
        """Whether it has ended; of another machine's, whether it was last seen too long ago (seconds since 1970)."""
        if self.host != host_digest():
            return time.time() - seen > STALE_S
        try:
            process = psutil.Process(self.process)
            return process.status() == psutil.STATUS_ZOMBIE or abs(process.create_time() - self.started) > 1.0
        except psutil.NoSuchProcess:
            return True


def claim(trial: Trial, owner: Owner) -> None:
    """Write down whose trial it is."""
    trial.set_user_attr("owner", asdict(owner))
    trial.set_user_attr("seen", time.time())


def belongs_to(trial: FrozenTrial, owner: Owner) -> bool:
    """Whether ``owner`` has claimed it."""
    return bool(trial.user_attrs.get("owner") == asdict(owner))


def is_abandoned(trial: FrozenTrial) -> bool:
    """Whether a running trial's owner is gone."""
    owner = trial.user_attrs.get("owner")
    if owner is None:
        asked = trial.datetime_start.timestamp() if trial.datetime_start is not None else 0.0
        return time.time() - asked > UNCLAIMED_S
    return Owner(**owner).is_gone(float(trial.user_attrs.get("seen", 0.0)))


def settle_abandoned(study: optuna.Study) -> int:
    """Tell the trials of dead owners as interrupted and enqueue their parameters again; how many there were.

    Safe at any moment and in several processes at once: what a killed process left half done, the next one completes,
    and a parameter set enqueued twice is run once (:func:`is_repeat`).
    """
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    abandoned = [trial for trial in running if is_abandoned(trial)]
    for trial in abandoned:
        fail(study, trial, "interrupted: the process that ran it is gone", uncounted=INTERRUPTED)
    everything = study.get_trials(deepcopy=False)
    tasks = {trial.user_attrs.get("task") for trial in everything}
    for trial in everything:
        task = f"retry:{trial.number}"
        if trial.user_attrs.get("uncounted") == INTERRUPTED and trial.state.is_finished() and task not in tasks:
            attributes = {"task": task, DEFAULTS: bool(trial.user_attrs.get(DEFAULTS))}
            # Killed while it was asked for, a trial may lack some values; those it was given beforehand stand apart.
            params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
            study.enqueue_trial(params, user_attrs=attributes)
    return len(abandoned)


def enqueue_defaults(study: optuna.Study, params: dict[str, Any]) -> None:
    """Make the defaults the first trial, unless they are already."""
    if not any(trial.user_attrs.get("task") == DEFAULTS for trial in study.get_trials(deepcopy=False)):
        study.enqueue_trial(params, user_attrs={"task": DEFAULTS, DEFAULTS: True})


def is_repeat(study: optuna.Study, trial: Trial) -> bool:
    """Whether two processes enqueued the same parameters for the same reason and another trial came first."""
    task = trial.user_attrs.get("task")
    others = (other for other in study.get_trials(deepcopy=False) if other.number < trial.number)
    return task is not None and any(other.user_attrs.get("task") == task for other in others)


def fail(study: optuna.Study, trial: FrozenTrial | Trial, reason: str, uncounted: str | None = None) -> None:
    """Tell a trial as failed, with its reason; a trial that somebody else told meanwhile stays as it is."""
    storage = study._storage
    identity = trial._trial_id
    try:
        storage.set_trial_user_attr(identity, "reason", reason)
        if uncounted is not None:
            storage.set_trial_user_attr(identity, "uncounted", uncounted)
        study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
    except optuna.exceptions.UpdateFinishedTrialError:
        return


def counts(trial: FrozenTrial) -> bool:
    """Whether a trial is one of those that were asked for: finished well or badly, but not interrupted."""
    return trial.state.is_finished() and "uncounted" not in trial.user_attrs


def takes_a_place(trial: FrozenTrial) -> bool:
    """Whether a trial is one of those that were asked for, or may become one: it runs, and was not given up."""
    return counts(trial) or (trial.state == TrialState.RUNNING and "uncounted" not in trial.user_attrs)


@contextmanager
def heartbeat(trial: Trial) -> Iterator[None]:
    """Renews ``seen`` of one trial from a thread of its own while the ``with`` block lasts."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_S):
            try:
                trial.set_user_attr("seen", time.time())
            except optuna.exceptions.UpdateFinishedTrialError:
                return  # another machine took us for dead; the result will not be counted
            except Exception as error:  # a database that is away for a moment must not make us look dead
                logger.warning("trial %d: heartbeat not written (%s)", trial.number, error)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
