"""One search: a plain ask-and-tell loop over a study that several processes may share.

Never ``study.optimize``: who owns a trial, what counts and when to stop are decided here, in the open.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from architectures import ArchitectureError
from bench.errors import BenchError, CircumstanceError
from bench.records.studies import TrialResult, default_of
from bench.tuning import ownership
from bench.tuning.announcements import OnTuning, TrialEnded
from bench.tuning.history import read_trials
from bench.tuning.objective import Objective, RunFold
from bench.tuning.parameters import Parameter, Params
from bench.tuning.sampling import distributions, plain

POLL_S = 0.5
"""Longest time between looks at what other processes are doing when there is nothing left to claim."""

Excess = Callable[[Params], Mapping[str, float]]
"""Parameters -> how far they are above each limit, by its name; zero or less is allowed."""


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


@dataclass
class Search:
    """One study and how to work on it. Its methods may be called from several threads.

    Attributes:
        study: loaded from its storage, with its sampler; its pruner judges after each inner fold.
        space: what is searched. All at their defaults is always the first trial, never pruned.
        objective: what a trial is judged by.
        end: when to stop.
        excess: parameters above a limit are told as pruned, with the excess, and not trained.
        on_event: told of trials.
        stop: set from outside to end the search after telling Optuna.
    """

    study: optuna.Study
    space: tuple[Parameter, ...]
    objective: Objective
    end: SearchEnd
    excess: Excess = lambda _: {}
    on_event: OnTuning = lambda _: None
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._owner = ownership.Owner.this_process()
        self._jitter = random.Random()  # only for waiting times: no result depends on it
        self._asking, self._telling = threading.Lock(), threading.Lock()
        self._began = time.monotonic()

    def work(self, run_fold: RunFold) -> None:
        """Claim, train and tell trials until its end is reached or ``stop`` is set."""
        ownership.enqueue_defaults(self.study, {parameter.name: parameter.default for parameter in self.space})
        while (trial := self.claim()) is not None:
            self._run(trial, run_fold)

    def finished(self) -> int:
        """Counted trials of the study so far."""
        return sum(map(ownership.counts, self._trials()))

    def claim(self) -> Trial | None:
        """The next trial to train; None when the search is over. Waits for trials that others still train."""
        while not self.stop.is_set():
            ownership.settle_abandoned(self.study)
            if self._is_over():
                return None
            trial = self._ask() if self._within_asked(self._taken() + 1) else None
            if trial is not None:
                return trial
            self.stop.wait(self._jitter.uniform(0.05, POLL_S))
        return None

    def _is_over(self) -> bool:
        left = self._left_s()
        return not self._within_asked(self.finished() + 1) or (left is not None and left <= self._usual_seconds())

    def _within_asked(self, trials: int) -> bool:
        return self.end.trials is None or trials <= self.end.trials

    def _taken(self) -> int:
        """Counted trials and those under way."""
        return sum(map(ownership.takes_a_place, self._trials()))

    def _trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _ask(self) -> Trial | None:
        """A new trial that is ours, or None when it turned out to be one too many.

        A claim is written before it is counted, so of several processes that claim the last place at once each sees
        the others: all may draw back and try again, but never do two of them take it.
        """
        with self._asking:
            trial = self.study.ask(distributions(self.space))
        ownership.claim(trial, self._owner)
        if ownership.is_repeat(self.study, trial):
            ownership.fail(self.study, trial, "the same trial was enqueued twice", uncounted=ownership.SURPLUS)
            return None
        if not self._within_asked(self._taken()):
            # A retry or the defaults must not get lost with the claim: they are enqueued again as if interrupted.
            uncounted = ownership.INTERRUPTED if trial.user_attrs.get("task") else ownership.SURPLUS
            ownership.fail(self.study, trial, "another process took the last place", uncounted=uncounted)
            return None
        return trial

    def _run(self, trial: Trial, run_fold: RunFold) -> None:
        params = plain(trial.params)
        is_default = bool(trial.user_attrs.get(ownership.DEFAULTS))
        started = time.monotonic()
        try:
            with ownership.heartbeat(trial):
                broken = self._broken_constraint(trial, params)
                if broken is not None and not is_default:
                    result = TrialResult(state="pruned", reason=broken)
                else:
                    result = self._evaluate(trial, params, run_fold, prunable=not is_default)
        except CircumstanceError as error:
            ownership.fail(self.study, trial, f"interrupted: {error}", uncounted=ownership.INTERRUPTED)
            raise
        except (BenchError, ArchitectureError) as error:  # options that do not go together, found before training
            result = TrialResult(state="failed", reason=str(error))
        except BaseException:
            reason = "interrupted: the search was stopped"
            ownership.fail(self.study, trial, reason, uncounted=ownership.INTERRUPTED)
            raise
        if self.stop.is_set() and result.state == "failed":
            result = replace(result, state="interrupted", reason="interrupted: the search was stopped")
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
        default = default_of(read_trials(self.study))
        return default is not None and fold < len(default.beat_mean_face) and default.beat_mean_face[fold]

    def _broken_constraint(self, trial: Trial, params: Params) -> str | None:
        broken = None
        for name, above in self.excess(params).items():
            trial.set_constraint(name, above)
            if above > 0:
                broken = f"{above:g} {name} above the limit"
        return broken

    def _tell(self, trial: Trial, result: TrialResult, seconds: float) -> None:
        notes = {
            "seconds": round(seconds, 3),
            "fold_seconds": [round(fold, 3) for fold in result.fold_seconds],
            "folds_done": result.folds_done,
            "beat_mean_face": list(result.beat_mean_face) or None,
            "reason": result.reason,
        }
        try:
            for name, note in notes.items():
                if note is not None:
                    trial.set_user_attr(name, note)
            if result.state == "complete":
                self.study.tell(trial, result.value)
            elif result.state == "pruned":
                self.study.tell(trial, state=TrialState.PRUNED)
            else:
                uncounted = ownership.INTERRUPTED if result.state == "interrupted" else None
                ownership.fail(self.study, trial, result.reason or result.state, uncounted=uncounted)
        except (optuna.exceptions.UpdateFinishedTrialError, ValueError):
            if not self._trials()[trial.number].state.is_finished():
                raise
            # Another machine took us for dead and told the trial; it is tried again there.
        with self._telling:
            self.on_event(TrialEnded(self.study.study_name, trial.number, result, self.finished()))

    def _left_s(self) -> float | None:
        """Wall time left for this process' part of the search."""
        if self.end.seconds is None:
            return None
        others = (trial for trial in self._trials() if not ownership.belongs_to(trial, self._owner))
        earlier = sum(trial.user_attrs.get("seconds", 0.0) for trial in others)
        return float(self.end.seconds - earlier / self.end.workers - (time.monotonic() - self._began))

    def _usual_seconds(self) -> float:
        """What a further trial has to be expected to take: the median of those before."""
        counted = filter(ownership.counts, self._trials())
        done = sorted(filter(None, (trial.user_attrs.get("seconds") for trial in counted)))
        return float(done[len(done) // 2]) if done else 0.0
