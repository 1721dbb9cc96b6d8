"""A search as plain data: what the terminal, JSON and the report show of it. No Optuna here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TrialFacts:
    """One trial.

    Attributes:
        number: counts from 0 in its study.
        state: ``complete``, ``pruned``, ``failed``, ``interrupted``, ``surplus``, ``running`` or ``waiting``.
        value: RMSE in pixels over all inner folds; of a pruned one, over those that it did.
        params: searched values, ``recipe.NAME`` and ``options.NAME``.
        seconds: wall time.
        folds_done: inner folds trained to their end.
        fold_seconds: wall time of each inner fold that was begun.
        reason: why it was pruned, failed or interrupted.
        is_default: the defaults, which are never pruned.
    """

    number: int
    state: str
    value: float | None
    params: Mapping[str, Any]
    seconds: float | None
    folds_done: int
    reason: str | None
    is_default: bool
    fold_seconds: tuple[float, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """One entry of ``bench tune --show --json``."""
        return {
            "number": self.number,
            "state": self.state,
            "value": self.value,
            "params": dict(self.params),
            "seconds": self.seconds,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class StudyFacts:
    """One study; ``importances`` sum to one and are empty while there are too few complete trials."""

    name: str
    model: str
    outer_fold: int
    inner_folds: int
    search_epochs: int
    trials: tuple[TrialFacts, ...]
    best: TrialFacts | None
    importances: Mapping[str, float]

    @property
    def counted(self) -> tuple[TrialFacts, ...]:
        """Trials that count towards those asked for."""
        return tuple(trial for trial in self.trials if trial.state in ("complete", "pruned", "failed"))

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
        """One entry of ``bench tune --show --json``."""
        return {
            "name": self.name,
            "model": self.model,
            "outer_fold": self.outer_fold,
            "best": self.best.as_json() if self.best is not None else None,
            "folds_trained": self.folds_trained,
            "seconds": round(self.seconds, 3),
            "saved_seconds": round(self.saved_seconds, 3),
            "importances": dict(self.importances),
            "trials": [trial.as_json() for trial in self.trials],
        }
