"""The report's chapter on tuning."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from markupsafe import Markup

from bench.records.studies import StudyFacts
from bench.records.tuned import FoldFinding, TunedParameters
from bench.reporting.drawing import markup, put
from bench.reporting.facts import number_columns
from bench.reporting.figures.search import history_figure, importance_figure, parallel_figure, rank_figure
from bench.reporting.markdown import format_seconds
from bench.reporting.section import Figure, Section

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
    """What a folder's searches found, and their trials; ``trouble`` says why some trials are missing."""

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
    box = Element("div")
    table = put(put(box, "div", class_="scroll", tabindex="0", role="region", aria_label="Tuning"), "table")
    _fill(table, HEADS, [_summary(tuned, fold, studies.get(fold.study)) for tuned in found for fold in tuned.folds])
    for study in studies.values():
        _trials(box, study)
    return markup(box)


def _summary(tuned: TunedParameters, fold: FoldFinding, study: StudyFacts | None) -> list[str]:
    counts = ", ".join(f"{count} {state}" for state, count in fold.trials.items() if count)
    numbers = (
        fold.inner_default_px,
        fold.inner_best_px,
        fold.outer_default_px,
        fold.outer_best_px,
        fold.optimism_gap_px,
    )
    saved = format_seconds(study.saved_seconds) if study is not None else "–"
    measured = [f"{number:.3f}" if number is not None else "–" for number in numbers]
    return [tuned.model, str(fold.outer_fold), counts, format_seconds(fold.seconds), saved, *measured]


def _trials(box: Element, study: StudyFacts) -> None:
    details = put(box, "details")
    put(details, "summary", f"All trials of {study.name}")
    table = put(put(details, "div", class_="scroll"), "table")
    lines = []
    for trial in study.trials:
        params = ", ".join(f"{name} = {_short(value)}" for name, value in trial.params.items())
        value = f"{trial.value:.3f}" if trial.value is not None else "–"
        spent = format_seconds(trial.seconds) if trial.seconds is not None else "–"
        state = f"{trial.state} (defaults)" if trial.is_default else trial.state
        lines.append([str(trial.number), state, value, spent, trial.reason or "", params])
    _fill(table, ("trial", "state", "RMSE px", "time", "reason", "parameters"), lines)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _fill(table: Element, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    numeric = number_columns(lines) or (False,) * len(heads)
    head = put(put(table, "thead"), "tr")
    for name, right in zip(heads, numeric, strict=True):
        put(head, "th", name, scope="col", class_=_class(right))
    body = put(table, "tbody")
    for line in lines:
        row = put(body, "tr")
        for cell, right in zip(line, numeric, strict=True):
            put(row, "td", cell, class_=_class(right))


def _class(number: bool) -> str:
    return "number" if number else "text"
