"""From a study to what is said of it: the best parameters, the counts, the verdict."""

from collections.abc import Sequence

import optuna

from bench.records.studies import COUNTED, best_of, default_of
from bench.records.tuned import FoldFinding
from bench.tuning.history import read_trials
from bench.tuning.parameters import split_params

PLAIN_SEEDS = 3
"""Trainings of the defaults and of the best that the verdict on a plain search rests on: chance in training counts."""


def summarise_study(study: optuna.Study, outer_fold: int) -> FoldFinding:
    """What a search found, before it is compared on the outer fold."""
    trials = read_trials(study)
    default, best = default_of(trials), best_of(trials)
    allowed = default is None or default.within_limits
    states = [trial.state for trial in trials]
    finding = FoldFinding(
        outer_fold=outer_fold,
        study=study.study_name,
        inner_default_px=default.value if default is not None else None,
        inner_best_px=best.value if best is not None else None,
        defaults_allowed=allowed,
        trials={state: states.count(state) for state in COUNTED},
        seconds=round(sum(trial.seconds or 0.0 for trial in trials), 1),
    )
    if best is None:
        return finding
    options, recipe = split_params(best.params)
    better = default is None or not allowed or best.value != default.value
    improved = better and not best.is_default
    return finding.model_copy(update={"options": options, "recipe": recipe, "improved": improved})


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
        f"outer fold {first.outer_fold}, {PLAIN_SEEDS} trainings each: default {first.outer_default_px:.3f} px, "
        f"tuned {first.outer_best_px:.3f} px, "
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
