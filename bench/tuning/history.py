"""From Optuna's studies to plain data: no Optuna in what leaves this file."""

from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from bench.errors import BenchError, RecordError
from bench.records.studies import State, StudyFacts, TrialFacts
from bench.tuning import ownership
from bench.tuning.journal import journal_path, open_storage
from bench.tuning.sampling import plain

STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


def read_studies(out: Path, url: str | None = None) -> tuple[StudyFacts, ...]:
    """All studies under ``out`` or in the database at ``url``, in order of their making.

    Raises:
        RecordError: nothing was searched there yet, or what stands there is damaged.
        ConfigError: the storage cannot be opened.
    """
    where = f"under {out / 'tuning'}" if url is None else "in that database"
    nothing = RecordError(f"no studies {where}; run `bench tune` first, or name another --out or --storage")
    if url is None and not journal_path(out).exists():
        raise nothing
    storage = open_storage(out, url)
    try:
        studies = [optuna.load_study(study_name=one.study_name, storage=storage) for one in storage.get_all_studies()]
        ours = tuple(_study_facts(study) for study in studies if "model" in study.user_attrs)
    except BenchError:
        raise
    except Exception as error:  # an attribute that is none of ours, a database that went away
        file = journal_path(out) if url is None else "--storage"
        raise RecordError(f"{file}: its studies cannot be read ({type(error).__name__}); restore a copy") from error
    if not ours:
        raise nothing
    return ours


def read_trials(study: optuna.Study) -> tuple[TrialFacts, ...]:
    """Its trials, by number."""
    return tuple(map(_trial_facts, study.get_trials(deepcopy=False)))


def _study_facts(study: optuna.Study) -> StudyFacts:
    named = ("model", "outer_fold", "inner_folds", "search_epochs")
    facts = {name: study.user_attrs[name] for name in named}
    return StudyFacts(name=study.study_name, trials=read_trials(study), importances=_importances(study), **facts)


def _trial_facts(trial: FrozenTrial) -> TrialFacts:
    attributes = trial.user_attrs
    given_up = attributes.get("uncounted") if trial.state == TrialState.FAIL else None
    return TrialFacts(
        number=trial.number,
        state=given_up or STATES[trial.state],
        value=trial.value if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        params=plain(trial.params),
        seconds=attributes.get("seconds"),
        folds_done=attributes.get("folds_done", 0),
        reason=attributes.get("reason"),
        is_default=bool(attributes.get(ownership.DEFAULTS)),
        within_limits=all(excess <= 0 for excess in trial.constraints.values()),
        fold_seconds=tuple(attributes.get("fold_seconds", ())),
        beat_mean_face=tuple(attributes.get("beat_mean_face", ())),
    )


def _importances(study: optuna.Study) -> dict[str, float]:
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < 4 or len({trial.value for trial in complete}) < 2:
        return {}
    return {name: round(share, 4) for name, share in optuna.importance.get_param_importances(study).items()}
