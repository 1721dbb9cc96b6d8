"""The report's chapter on tuning."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench.records.studies import StudyFacts
from bench.records.tuned import FoldFinding, TunedParameters
from bench.reporting.figures.search import history_figure, importance_figure, parallel_figure, rank_figure
from bench.reporting.markups import markups
from bench.reporting.number_text import format_seconds, places, setting_text
from bench.reporting.section import Figure, Section
from bench.reporting.tables import FactTable

HEADS = (
    "model",
    "outer fold",
    "trials",
    "time",
    "saved by pruning",
    "inner: default px",
    "inner: best px",
    "outer: default px",
    "outer: tuned px",
    "optimism gap px",
)


@dataclass(frozen=True)
class SearchMaterial:
    """What the searches of a folder found, and the trials; ``trouble`` says why some trials are missing."""

    found: Sequence[TunedParameters]
    studies: Sequence[StudyFacts]
    trouble: str = ""


def search_chapter(material: SearchMaterial) -> Section | None:
    """The chapter for ``report.html``; None where nothing was tuned."""
    found = material.found
    if not found:
        return None
    wanted = {fold.study for tuned in found for fold in tuned.folds}
    studies = [study for study in material.studies if study.name in wanted]
    missing = f" The trials cannot be shown: {material.trouble}." if material.trouble else ""
    if not missing and len(studies) < len(wanted):
        missing = " The trials of some are in another --storage."
    first_fold = [study for study in studies if study.outer_fold == min(one.outer_fold for one in studies)]
    return Section(
        "tuning",
        "Tuning",
        _lead(found) + missing,
        _figures(first_fold),
        _body(found, {study.name: study for study in studies}),
    )


def _lead(found: Sequence[TunedParameters]) -> str:
    verdicts = " ".join(f"{tuned.model}: {tuned.verdict}" for tuned in found)
    return (
        f"{verdicts} {_fairness(found)} Scores on the inner folds have chosen the parameters and are therefore too "
        "good; the optimism gap is how much of the gain inside did not come about outside."
    )


def _fairness(found: Sequence[TunedParameters]) -> str:
    given = {(tuned.asked_trials, tuned.budget_s) for tuned in found}
    if len(given) > 1:
        return "The architectures were not given the same budget: do not compare their tuned scores."
    trials, budget_s = given.pop()
    parts = [f"{trials} trials" if trials is not None else ""]
    parts.append(f"an equal share of {format_seconds(budget_s)}" if budget_s is not None else "")
    return f"Each architecture was given {' and '.join(part for part in parts if part)}."


def _figures(studies: Sequence[StudyFacts]) -> list[Figure]:
    drawn = [history_figure(studies, "figure-tuning"), rank_figure(studies, "figure-tuning")]
    for place, study in enumerate(studies):
        drawn += [importance_figure(study, f"figure-tuning-{place}"), parallel_figure(study, f"figure-tuning-{place}")]
    return [figure for figure in drawn if figure is not None]


def _body(found: Sequence[TunedParameters], studies: dict[str, StudyFacts]) -> Markup:
    lines = [_line(tuned, fold, studies.get(fold.study)) for tuned in found for fold in tuned.folds]
    tables = [FactTable("tuning-folds", "Tuning", HEADS, lines)]
    trials = [_trials(study, f"tuning-trials-{place}") for place, study in enumerate(studies.values())]
    return Markup(markups().tables(tables, hide=True) + markups().folded(trials))


def _line(tuned: TunedParameters, fold: FoldFinding, study: StudyFacts | None) -> list[str]:
    counts = ", ".join(f"{count} {state}" for state, count in fold.trials.items() if count)
    inner, outer = (fold.inner_default_px, fold.inner_best_px), (fold.outer_default_px, fold.outer_best_px)
    numbers = map(places(3), (*inner, *outer, fold.optimism_gap_px))
    saved = format_seconds(study.saved_seconds if study is not None else None)
    return [tuned.model, str(fold.outer_fold), counts, format_seconds(fold.seconds), saved, *numbers]


def _trials(study: StudyFacts, name: str) -> FactTable:
    lines = []
    for trial in study.trials:
        params = ", ".join(f"{name} = {setting_text(value)}" for name, value in trial.params.items())
        state = f"{trial.state} (defaults)" if trial.is_default else trial.state
        spent = format_seconds(trial.seconds)
        lines.append([str(trial.number), state, places(3)(trial.value), spent, trial.reason or "", params])
    head = ("trial", "state", "RMSE px", "time", "reason", "parameters")
    return FactTable(name, f"All trials of {study.name}", head, lines)
