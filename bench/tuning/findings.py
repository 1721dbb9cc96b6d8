"""From a study to what is said of it: the best parameters, the counts, the verdict."""

from collections import Counter
from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from bench.records.tuned import FoldFinding
from bench.tuning import ownership
from bench.tuning.parameters import split_params
from bench.tuning.sampling import plain

STATE_WORDS = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


def summarise_study(study: optuna.Study, outer_fold: int) -> FoldFinding:
    """What a search found, before it is compared on the outer fold."""
    trials = study.get_trials(deepcopy=False)
    default, best = default_trial(trials), best_trial(trials)
    counts = Counter(STATE_WORDS[trial.state] for trial in trials if ownership.counts(trial))
    default_px = default.value if default is not None else None
    allowed = default is None or keeps_limits(default)
    finding = FoldFinding(
        outer_fold=outer_fold,
        study=study.study_name,
        inner_default_px=default_px,
        inner_best_px=best.value if best is not None else None,
        defaults_allowed=allowed,
        trials={word: counts[word] for word in STATE_WORDS.values()},
        seconds=round(sum(trial.user_attrs.get("seconds", 0.0) for trial in trials), 1),
    )
    if best is None:
        return finding
    options, recipe = split_params(plain(best.params))
    better = default_px is None or not allowed or _value(best) < default_px
    improved = better and not best.user_attrs.get(ownership.DEFAULTS)
    return finding.model_copy(update={"options": options, "recipe": recipe, "improved": improved})


def best_trial(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The complete trial with the lowest error that keeps every constraint."""
    able = [trial for trial in trials if trial.state == TrialState.COMPLETE and keeps_limits(trial)]
    return min(able, key=lambda trial: (_value(trial), trial.number), default=None)


def keeps_limits(trial: FrozenTrial) -> bool:
    """Whether a trial is within ``--max-params`` and ``--max-ms``."""
    return all(excess <= 0 for excess in trial.constraints.values())


def default_trial(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The complete trial of the defaults."""
    complete = (trial for trial in trials if trial.state == TrialState.COMPLETE)
    return next((trial for trial in complete if trial.user_attrs.get(ownership.DEFAULTS)), None)


def _value(trial: FrozenTrial) -> float:
    assert trial.value is not None
    return trial.value


def judge(findings: Sequence[FoldFinding], *, nested: bool) -> tuple[bool, str]:
    """Whether to use what was found, and why, in words."""
    first = findings[0]
    if not any(finding.options or finding.recipe for finding in findings):
        but = "" if first.defaults_allowed else ", though they break them"
        return False, f"No trial was completed within the limits: the defaults stay{but}."
    if not any(finding.improved for finding in findings):
        return False, "No trial beat the defaults on the inner folds: the defaults stay."
    if nested:
        return True, _nested_words(findings)
    if first.outer_default_px is None or first.outer_best_px is None or first.interval_px is None:
        return False, "The comparison on the outer fold failed: the defaults stay."
    low, high = first.interval_px
    words = (
        f"outer fold {first.outer_fold}: default {first.outer_default_px:.3f} px, tuned {first.outer_best_px:.3f} px, "
        f"difference {first.difference_px:.3f} px, 95 % interval {low:.3f} to {high:.3f}"
    )
    if not first.defaults_allowed:
        return True, f"The defaults break the limits; the best within them, on {words}."
    if low > 0:
        return True, f"Tuned is better on {words}."
    worse = "worse" if high < 0 else "not shown to be better"
    return False, f"Tuned is {worse} on {words}: the defaults stay."


def _nested_words(findings: Sequence[FoldFinding]) -> str:
    pairs = [
        (finding.outer_default_px, finding.outer_best_px)
        for finding in findings
        if finding.outer_default_px is not None and finding.outer_best_px is not None
    ]
    if len(pairs) < len(findings):
        return f"Nested search: only {len(pairs)} of {len(findings)} outer folds could be compared."
    default_px = (sum(default**2 for default, _ in pairs) / len(pairs)) ** 0.5
    tuned_px = (sum(tuned**2 for _, tuned in pairs) / len(pairs)) ** 0.5
    better = sum(tuned < default for default, tuned in pairs)
    return (
        f"Nested search: over {len(pairs)} outer folds default {default_px:.3f} px, tuned {tuned_px:.3f} px; "
        f"tuned is lower on {better} of them."
    )
