"""Studies as plain data, for the terminal, JSON and the report: no Optuna in what leaves this file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from bench.errors import RecordError
from bench.tuning import ownership
from bench.tuning.findings import best_trial
from bench.tuning.journal import journal_path, open_storage
from bench.tuning.sampling import plain


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


def read_studies(out: Path, url: str | None = None) -> tuple[StudyFacts, ...]:
    """All studies under ``out`` or in the database at ``url``, in order of their making.

    Raises:
        RecordError: nothing was searched there yet.
        ConfigError: the storage cannot be opened.
    """
    where = f"under {out / 'tuning'}" if url is None else "in that database"
    nothing = RecordError(f"no studies {where}; run `bench tune` first, or name another --out or --storage")
    if url is None and not journal_path(out).exists():
        raise nothing
    storage = open_storage(out, url)
    studies = [optuna.load_study(study_name=one.study_name, storage=storage) for one in storage.get_all_studies()]
    ours = tuple(_study_facts(study) for study in studies if "model" in study.user_attrs)
    if not ours:
        raise nothing
    return ours


def _study_facts(study: optuna.Study) -> StudyFacts:
    trials = study.get_trials(deepcopy=False)
    best = best_trial(trials)
    facts = study.user_attrs
    return StudyFacts(
        name=study.study_name,
        model=facts["model"],
        outer_fold=facts["outer_fold"],
        inner_folds=facts["inner_folds"],
        search_epochs=facts["search_epochs"],
        trials=tuple(map(_trial_facts, trials)),
        best=_trial_facts(best) if best is not None else None,
        importances=_importances(study, trials),
    )


def _trial_facts(trial: FrozenTrial) -> TrialFacts:
    attributes = trial.user_attrs
    state = attributes.get("uncounted") if trial.state == TrialState.FAIL else None
    names = {TrialState.FAIL: "failed"}
    return TrialFacts(
        number=trial.number,
        state=state or names.get(trial.state, trial.state.name.lower()),
        value=trial.value if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        params=plain(trial.params),
        seconds=attributes.get("seconds"),
        folds_done=attributes.get("folds_done", 0),
        reason=attributes.get("reason"),
        is_default=bool(attributes.get(ownership.DEFAULTS)),
        fold_seconds=tuple(attributes.get("fold_seconds", ())),
    )


def _importances(study: optuna.Study, trials: Sequence[FrozenTrial]) -> dict[str, float]:
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if len(complete) < 4 or len({trial.value for trial in complete}) < 2:
        return {}
    return {name: round(share, 4) for name, share in optuna.importance.get_param_importances(study).items()}
