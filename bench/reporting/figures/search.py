"""Drawings of a search: its history, what mattered, what was tried, and rank against budget."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any
from xml.etree.ElementTree import Element

from bench.records.studies import StudyFacts, TrialFacts
from bench.reporting.drawing import (
    Axes,
    Scale,
    markup,
    padded,
    path_of,
    picture,
    put,
    series_class,
    shortened,
    staircase,
)
from bench.reporting.number_text import setting_text
from bench.reporting.section import Figure

WIDTH, HEIGHT = 520.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 506.0, 34.0, 310.0
WIDE = 760.0
BAR_PX = 22.0
IMPORTANT = 8
"""Parameters that get a bar or an axis; the others hardly mattered."""


def history_figure(studies: Sequence[StudyFacts], name: str) -> Figure | None:
    """Every scored trial, and the best so far as a line, one colour per study."""
    values = [value for study in studies for _, value in _scored(study.trials)]
    if not values:
        return None
    longest = max(trial.number for study in studies for trial in study.trials)
    # A few hopeless trials would press all others into one line.
    top = sorted(values)[int(0.9 * (len(values) - 1))]
    low, high = padded([min(values), max(top, min(values) * 1.05)])
    x, y = Scale(0, max(longest, 1), LEFT, RIGHT), Scale(low, high, BOTTOM, TOP)
    root = picture(WIDTH, HEIGHT, "Error of each trial", class_="chart")
    Axes(x, y, "trial", "RMSE on the inner folds, px").draw(root)
    for place, study in enumerate(studies):
        series = put(root, "g", class_=series_class(place))
        for trial, value in _scored(study.trials):
            _trial_mark(series, trial, (x(trial.number), y(min(value, high))), f"{study.model}, {_words(trial, value)}")
        steps = [(x(number), y(min(value, high))) for number, value in _best_so_far(study.trials)]
        if steps:
            line = put(series, "path", class_=f"curve {series_class(place)}", d=staircase(steps), fill="none")
            put(line, "title", f"{study.name}: best so far")
    caption = (
        "Points: trials, filled where complete, hollow where given up early. Lines: the best complete one so far. "
        + _legend(studies)
        + " The worst tenth is drawn at the top edge."
    )
    return Figure(f"{name}-history", "History", caption, markup(root))


def importance_figure(study: StudyFacts, name: str) -> Figure | None:
    """How much of the difference between trials each parameter explains (PED-ANOVA)."""
    shares = sorted(study.importances.items(), key=lambda pair: -pair[1])[:IMPORTANT]
    if not shares:
        return None
    height = 40 + BAR_PX * len(shares)
    root = picture(WIDTH, height, f"Importance of parameters of {study.model}", class_="chart")
    x = Scale(0, max(share for _, share in shares) or 1.0, 190, RIGHT - 50)
    for place, (parameter, share) in enumerate(shares):
        top = 20 + BAR_PX * place
        put(root, "text", shortened(parameter, 26), x=182, y=top + 14, text_anchor="end")
        bar = put(root, "rect", class_="disc", x=190, y=top + 3, width=max(x(share) - 190, 1), height=BAR_PX - 8)
        put(bar, "title", f"{parameter}: {share:.1%}")
        put(root, "text", f"{share:.0%}", x=x(share) + 6, y=top + 14, class_="muted")
    caption = "Share of the difference between good and other trials that each parameter explains (PED-ANOVA)."
    return Figure(f"{name}-importance", f"What mattered: {study.model}", caption, markup(root))


def parallel_figure(study: StudyFacts, name: str) -> Figure | None:
    """Parallel coordinates: one line per scored trial, the best quarter on top."""
    scored = sorted(_scored(study.trials), key=lambda pair: -pair[1])
    names = list(study.importances or (scored[0][0].params if scored else {}))[:IMPORTANT]
    if len(scored) < 3 or len(names) < 2:
        return None
    root = picture(WIDE, HEIGHT, f"Trials of {study.model}", class_="chart")
    gap = (WIDE - 120) / (len(names) - 1)
    columns = [_column([trial.params.get(each) for trial, _ in scored]) for each in names]
    best_from = len(scored) - max(1, len(scored) // 4)
    for rank, (trial, value) in enumerate(scored):
        places = [
            (60 + gap * place, BOTTOM - 20 - column[trial.params.get(each)] * (BOTTOM - TOP - 40))
            for place, (each, column) in enumerate(zip(names, columns, strict=True))
        ]
        line = put(root, "path", class_="thin" if rank >= best_from else "curve other", d=path_of(places), fill="none")
        put(line, "title", _words(trial, value))
    for place, (each, column) in enumerate(zip(names, columns, strict=True)):
        _parallel_axis(root, 60 + gap * place, each, column, upper=place % 2 == 0)
    caption = "One line per trial; the best quarter in colour. Axes from the most important parameter on."
    return Figure(f"{name}-parallel", f"What was tried: {study.model}", caption, markup(root), wide=True)


def rank_figure(studies: Sequence[StudyFacts], name: str) -> Figure | None:
    """Which architecture would have led after 1, 2, 3 ... trials each."""
    if len({study.model for study in studies}) < 2:
        return None
    most = min(len(study.counted) for study in studies)
    ranks = [ranks_after(studies, trials) for trials in range(1, most + 1)]
    if most < 2 or not all(ranks):
        return None
    x, y = Scale(1, most, LEFT, RIGHT - 110), Scale(len(studies) + 0.3, 0.7, BOTTOM, TOP)
    root = picture(WIDTH, HEIGHT, "Rank against tuning budget", class_="chart")
    Axes(x, y, "trials for each", "rank by the best trial so far").draw(root)
    for place, study in enumerate(studies):
        known = [(x(trials), y(rank[study.name])) for trials, rank in enumerate(ranks, start=1) if study.name in rank]
        if known:
            put(root, "path", class_=f"curve {series_class(place)}", d=path_of(known), fill="none")
            label = put(root, "g", class_=f"end-label {series_class(place)}")
            put(label, "text", shortened(study.model, 16), x=RIGHT - 104, y=known[-1][1] + 4)
    caption = "From the recorded trials, in their order. Lines that cross: the order depends on how long one tunes."
    return Figure(f"{name}-rank", "Rank against tuning budget", caption, markup(root))


def ranks_after(studies: Sequence[StudyFacts], trials: int) -> dict[str, int]:
    """Rank of each study by the best complete trial among its first ``trials`` counted ones, where it has one."""
    best: dict[str, float] = {}
    for study in studies:
        values = [value for trial, value in _scored(study.counted[:trials]) if trial.state == "complete"]
        if values:
            best[study.name] = min(values)
    return {name: rank for rank, name in enumerate(sorted(best, key=best.__getitem__), start=1)}


def _scored(trials: Sequence[TrialFacts]) -> list[tuple[TrialFacts, float]]:
    """The trials that have a value, beside it."""
    return [(trial, trial.value) for trial in trials if trial.value is not None]


def _words(trial: TrialFacts, value: float) -> str:
    return f"{'defaults' if trial.is_default else f'trial {trial.number}'}, {trial.state}: {value:.3f} px"


def _trial_mark(series: Element, trial: TrialFacts, at: tuple[float, float], words: str) -> None:
    point = put(series, "g", class_="point best" if trial.state == "complete" else "point")
    mark = put(point, "circle", cx=at[0], cy=at[1], r=4 if trial.is_default else 2.6)
    put(mark, "title", words)


def _best_so_far(trials: Sequence[TrialFacts]) -> list[tuple[int, float]]:
    """The lowest value after each complete trial, and after the last one of all."""
    complete = [(trial.number, value) for trial, value in _scored(trials) if trial.state == "complete"]
    if not complete:
        return []
    numbers, values = zip(*complete, strict=True)
    lowest = list(accumulate(values, min))
    return list(zip((*numbers, trials[-1].number), (*lowest, lowest[-1]), strict=True))


def _column(values: Sequence[Any]) -> Mapping[Any, float]:
    """Position 0 .. 1 of each value on its axis: numbers evenly or by logarithm, words side by side."""
    distinct = list(dict.fromkeys(values))
    numbers = [value for value in distinct if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(distinct):
        words = sorted(distinct, key=str)
        return {word: place / max(len(words) - 1, 1) for place, word in enumerate(words)}
    low, high = min(numbers), max(numbers)
    scale = Scale(low, high, 0, 1, log=low > 0 and high / low > 20)
    return {value: scale(value) for value in numbers}


def _parallel_axis(root: Element, x: float, name: str, column: Mapping[Any, float], *, upper: bool) -> None:
    put(root, "line", class_="base", x1=x, x2=x, y1=TOP + 20, y2=BOTTOM - 20)
    ends = sorted(column.items(), key=lambda pair: pair[1])
    put(root, "text", shortened(setting_text(ends[-1][0]), 10), x=x, y=TOP + 14, text_anchor="middle", class_="muted")
    put(root, "text", shortened(setting_text(ends[0][0]), 10), x=x, y=BOTTOM - 4, text_anchor="middle", class_="muted")
    label_y = TOP - 6 if upper else BOTTOM + 16
    put(root, "text", shortened(name.partition(".")[2], 18), x=x, y=label_y, text_anchor="middle")


def _legend(studies: Sequence[StudyFacts]) -> str:
    words = ("blue", "orange", "green", "pink", "ochre", "light blue", "violet", "olive")
    named = [f"{study.model} {word}" for study, word in zip(studies, words, strict=False)]
    return f"Lines are {', '.join(named)}." if len(studies) > 1 else ""
