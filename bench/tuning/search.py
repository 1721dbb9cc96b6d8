"""One search: a plain ask-and-tell loop over a study that several processes may share.

Never ``study.optimize``: who owns a trial, what counts and when to stop are decided here, in the open.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, Trial, TrialState

from architectures import ArchitectureError
from bench.errors import BenchError
from bench.tuning import ownership
from bench.tuning.findings import default_trial
from bench.tuning.objective import Objective, RunFold, TrialResult
from bench.tuning.parameters import Params
from bench.tuning.sampling import plain

POLL_S = 0.5
"""Between looks at what other processes are doing when there is nothing left to claim."""

Constraint = Callable[[Params], float]
"""Parameters -> how far they are above the limit; zero or less is allowed."""


@dataclass(frozen=True)
class SearchEnd:
    """When a search is over.

    Attributes:
        trials: as many counted trials; None = no such limit.
        seconds: seconds that all finished trials together may take on one worker; None = no such limit.
        workers: trials side by side in this process.
    """

    trials: int | None = None
    seconds: float | None = None
    workers: int = 1


@dataclass(frozen=True)
class TrialBegan:
    """A trial is about to be trained."""

    study: str
    number: int
    params: Mapping[str, Any]


@dataclass(frozen=True)
class TrialEnded:
    """A trial was told; ``finished`` counts those of the study so far."""

    study: str
    number: int
    result: TrialResult
    finished: int


OnTrial = Callable[[TrialBegan | TrialEnded], None]


def _unheard(event: TrialBegan | TrialEnded) -> None:
    del event


@dataclass
class Search:
    """One study and how to work on it. Its methods may be called from several threads.

    Attributes:
        study: loaded from its storage, with its sampler; its pruner judges after each inner fold.
        distributions: the space in Optuna's words.
        defaults: every searched parameter at its default; always the first trial, never pruned.
        objective: what a trial is judged by.
        end: when to stop.
        constraints: by name; parameters that break one are told as pruned, with its value, and not trained.
        on_event: told of trials.
        stop: set from outside to end the search after telling Optuna.
    """

    study: optuna.Study
    distributions: Mapping[str, BaseDistribution]
    defaults: Mapping[str, Any]
    objective: Objective
    end: SearchEnd
    constraints: Mapping[str, Constraint] = field(default_factory=dict)
    on_event: OnTrial = _unheard
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._owner = ownership.Owner.this_process()
        self._jitter = random.Random()  # only for waiting times: no result depends on it
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def work(self, run_fold: RunFold) -> None:
        """Claim, train and tell trials until its end is reached or ``stop`` is set."""
        ownership.enqueue_defaults(self.study, dict(self.defaults))
        while (trial := self.claim()) is not None:
            self._run(trial, run_fold)

    def finished(self) -> int:
        """Counted trials of the study so far."""
        return sum(map(ownership.counts, self.study.get_trials(deepcopy=False)))

    def claim(self) -> Trial | None:
        """The next trial to train; None when the search is over. Waits for trials that others still train."""
        while not self.stop.is_set():
            ownership.settle_abandoned(self.study)
            trials = self.study.get_trials(deepcopy=False)
            finished = sum(map(ownership.counts, trials))
            under_way = len(ownership.trials_under_way(trials))
            if self._is_over(finished):
                return None
            if self.end.trials is not None and finished + under_way >= self.end.trials:
                self.stop.wait(POLL_S)
                continue
            trial = self._ask()
            if trial is not None:
                return trial
            self.stop.wait(self._jitter.uniform(0.05, POLL_S))
        return None

    def _is_over(self, finished: int) -> bool:
        if self.end.trials is not None and finished >= self.end.trials:
            return True
        left = self._left_s()
        return left is not None and left <= self._usual_seconds()

    def _ask(self) -> Trial | None:
        """A new trial that is ours, or None when it turned out to be one too many.

        A claim is written before it is counted, so of several processes that claim the last place at once each sees
        the others: all may draw back and try again, but never do two of them take it.
        """
        with self._lock:
            trial = self.study.ask(dict(self.distributions))
        trial.set_user_attr("owner", self._owner.as_attribute())
        trial.set_user_attr("seen", time.time())
        if ownership.is_repeat(self.study, trial):
            ownership.fail(self.study, trial, "the same trial was enqueued twice", uncounted=ownership.SURPLUS)
            return None
        trials = self.study.get_trials(deepcopy=False)
        taken = sum(map(ownership.counts, trials)) + len(ownership.trials_under_way(trials))
        if self.end.trials is not None and taken > self.end.trials:
            # A retry or the defaults must not get lost with the claim: they are enqueued again as if interrupted.
            uncounted = "interrupted" if trial.user_attrs.get("task") else ownership.SURPLUS
            ownership.fail(self.study, trial, "another process took the last place", uncounted=uncounted)
            return None
        return trial

    def _run(self, trial: Trial, run_fold: RunFold) -> None:
        params = plain(trial.params)
        self.on_event(TrialBegan(self.study.study_name, trial.number, params))
        is_default = bool(trial.user_attrs.get(ownership.DEFAULTS))
        started = time.monotonic()
        try:
            with ownership.Heartbeat(trial):
                broken = self._broken_constraint(trial, params)
                if broken is not None and not is_default:
                    result = TrialResult("pruned", None, broken)
                else:
                    result = self._evaluate(trial, params, run_fold, prunable=not is_default)
        except (BenchError, ArchitectureError) as error:  # options that do not go together, found before training
            result = TrialResult("failed", None, str(error))
        except BaseException:
            ownership.fail(self.study, trial, "interrupted: the search was stopped", uncounted="interrupted")
            raise
        if self.stop.is_set() and result.state == "failed":
            result = TrialResult("interrupted", None, "interrupted: the search was stopped", result.fold_seconds)
        self._tell(trial, result, time.monotonic() - started)

    def _evaluate(self, trial: Trial, params: Params, run_fold: RunFold, *, prunable: bool) -> TrialResult:
        def after_fold(fold: int, running_px: float) -> bool:
            trial.report(running_px, fold)
            return trial.should_prune()

        return self.objective.evaluate(
            params,
            run_fold,
            after_fold,
            prunable=prunable,
            mean_face_counts=self._defaults_beat_mean_face,
            left_s=self._left_s,
        )

    def _defaults_beat_mean_face(self, fold: int) -> bool:
        default = default_trial(self.study.get_trials(deepcopy=False))
        beaten = default.user_attrs.get("beat_mean_face", []) if default is not None else []
        return fold < len(beaten) and bool(beaten[fold])

    def _broken_constraint(self, trial: Trial, params: Params) -> str | None:
        broken = None
        for name, constraint in self.constraints.items():
            excess = constraint(params)
            trial.set_constraint(name, excess)
            if excess > 0:
                broken = f"{excess:g} {name} above the limit"
        return broken

    def _tell(self, trial: Trial, result: TrialResult, seconds: float) -> None:
        study = self.study
        try:
            trial.set_user_attr("seconds", round(seconds, 3))
            trial.set_user_attr("fold_seconds", [round(fold, 3) for fold in result.fold_seconds])
            trial.set_user_attr("folds_done", result.folds_done)
            if result.beat_mean_face:
                trial.set_user_attr("beat_mean_face", list(result.beat_mean_face))
            if result.state == "complete":
                study.tell(trial, result.value)
            elif result.state == "pruned":
                trial.set_user_attr("reason", result.reason)
                study.tell(trial, state=TrialState.PRUNED)
            else:
                uncounted = "interrupted" if result.state == "interrupted" else None
                ownership.fail(study, trial, result.reason or result.state, uncounted=uncounted)
        except (optuna.exceptions.UpdateFinishedTrialError, ValueError):
            if not study.get_trials(deepcopy=False)[trial.number].state.is_finished():
                raise
            # Another machine took us for dead and told the trial; it is tried again there.
        finished = sum(map(ownership.counts, study.get_trials(deepcopy=False)))
        self.on_event(TrialEnded(study.study_name, trial.number, result, finished))

    def _left_s(self) -> float | None:
        """Wall time left for this process' part of the search."""
        if self.end.seconds is None:
            return None
        done = self.study.get_trials(deepcopy=False)
        earlier = sum(trial.user_attrs.get("seconds", 0.0) for trial in done if self._before_us(trial))
        return float(self.end.seconds - earlier / self.end.workers - (time.monotonic() - self._began))

    def _before_us(self, trial: FrozenTrial) -> bool:
        return trial.user_attrs.get("owner") != self._owner.as_attribute()

    def _usual_seconds(self) -> float:
        """What a further trial has to be expected to take: the median of those before."""
        done = [trial.user_attrs["seconds"] for trial in self.study.get_trials(deepcopy=False) if _was_trained(trial)]
        return sorted(done)[len(done) // 2] if done else 0.0


def _was_trained(trial: FrozenTrial) -> bool:
    return ownership.counts(trial) and bool(trial.user_attrs.get("seconds"))
