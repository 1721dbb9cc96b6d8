"""From Optuna's studies to plain data: no Optuna in what leaves this file."""

from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from bench.errors import RecordError
from bench.records.studies import StudyFacts, TrialFacts
from bench.tuning import ownership
from bench.tuning.findings import best_trial
from bench.tuning.journal import journal_path, open_storage
from bench.tuning.sampling import plain


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
