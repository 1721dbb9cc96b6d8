"""A search as plain data: what the terminal, JSON and the report show of it. No Optuna here."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

State = Literal["complete", "pruned", "failed", "interrupted", "surplus", "running", "waiting"]
COUNTED: tuple[State, ...] = ("complete", "pruned", "failed")
"""Trials in these states are among those asked for."""


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """How a trial went.

    Attributes:
        state: so far, or in the end.
        value: RMSE in pixels over all inner folds; of a pruned one, over those that it did.
        reason: why it was pruned, failed or interrupted.
        folds_done: inner folds trained to their end.
        fold_seconds: wall time of each inner fold that was begun.
        beat_mean_face: of the defaults, per inner fold: whether they did, at the mark where trials are given up and at
            the end.
    """

    state: State
    value: float | None = None
    reason: str | None = None
    folds_done: int = 0
    fold_seconds: tuple[float, ...] = ()
    beat_mean_face: tuple[bool, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrialFacts(TrialResult):
    """One trial of a study.

    Attributes:
        number: counts from 0 in its study.
        params: searched values, ``recipe.NAME`` and ``options.NAME``.
        seconds: wall time.
        is_default: the defaults, which are never pruned.
        within_limits: whether it keeps the most parameters and the longest time asked for.
    """

    number: int
    params: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    is_default: bool = False
    within_limits: bool = True


def default_of(trials: Sequence[TrialFacts]) -> TrialFacts | None:
    """The complete trial of the defaults."""
    return next((trial for trial in trials if trial.is_default and trial.state == "complete"), None)


def best_of(trials: Sequence[TrialFacts]) -> TrialFacts | None:
    """The complete trial with the lowest error that keeps every limit; of equal ones the first."""
    able = [trial for trial in trials if trial.state == "complete" and trial.within_limits]
    return min(able, key=lambda trial: (trial.value or 0.0, trial.number), default=None)


@dataclass(frozen=True, kw_only=True)
class StudyFacts:
    """One study; ``importances`` sum to one and are empty while there are too few complete trials."""

    name: str
    model: str
    outer_fold: int
    inner_folds: int
    search_epochs: int
    trials: tuple[TrialFacts, ...]
    importances: Mapping[str, float] = field(default_factory=dict)

    @property
    def best(self) -> TrialFacts | None:
        """The best complete trial within the limits."""
        return best_of(self.trials)

    @property
    def counted(self) -> tuple[TrialFacts, ...]:
        """Trials that count towards those asked for."""
        return tuple(trial for trial in self.trials if trial.state in COUNTED)

    @property
    def seconds(self) -> float:
        """Wall time spent in trials, interrupted ones included."""
        return sum(trial.seconds or 0.0 for trial in self.trials)

    @property
    def saved_seconds(self) -> float:
        """What the inner folds left out would have taken: each as long as the trial's others, else the mean."""
        return sum(self._saved(trial) for trial in self.trials if trial.state == "pruned" and trial.seconds)

    @property
    def folds_trained(self) -> int:
        """Inner folds trained to their end by counted trials."""
        return sum(trial.folds_done for trial in self.counted)

    def _saved(self, trial: TrialFacts) -> float:
        spent = trial.seconds or 0.0
        if trial.folds_done:
            return (self.inner_folds - trial.folds_done) * spent / trial.folds_done
        return max(0.0, self.inner_folds * self._usual_fold_seconds() - spent)

    def _usual_fold_seconds(self) -> float:
        complete = [trial.seconds for trial in self.trials if trial.state == "complete" and trial.seconds]
        return sum(complete) / len(complete) / self.inner_folds if complete else 0.0

    def as_json(self) -> dict[str, Any]:
        """One entry of ``bench tune --show --json``: every fact, and what follows from them."""
        return asdict(self) | {
            "best": asdict(self.best) if self.best is not None else None,
            "folds_trained": self.folds_trained,
            "seconds": round(self.seconds, 3),
            "saved_seconds": round(self.saved_seconds, 3),
        }
