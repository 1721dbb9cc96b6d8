"""The critical-difference diagram: models on a line of error, bars over those that the run does not tell apart."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from bench.reporting.board_facts import BoardRow
from bench.reporting.drawing import Scale, markup, padded, picture, put, shortened
from bench.reporting.section import Figure

WIDTH, LEFT, RIGHT = 760.0, 215.0, 545.0
AXIS_Y, BAR_GAP, LABEL_GAP = 62.0, 11.0, 21.0


def ties_figure(rows: Sequence[BoardRow], floor_px: float | None) -> Figure | None:
    """Draw the letters of the ranking (Demšar 2006's layout; the letters are the ranking's own, not a second test).

    Gates far behind every network stand at the edge with their value, so that they do not squeeze the rest.
    """
    ranked = sorted((each for each in rows if each.ranked), key=lambda each: each.rmse_px or 0.0)
    if len(ranked) < 2:
        return None
    scale = Scale(*_range(ranked, floor_px), LEFT, RIGHT)
    bars = _levels(ranked, scale)
    first_label = AXIS_Y + 24 + BAR_GAP * max((level + 1 for level, _ in bars), default=0)
    half = (len(ranked) + 1) // 2
    height = first_label + LABEL_GAP * half
    root = picture(WIDTH, height, "Critical-difference diagram: models by error, joined where they tie", class_="chart")
    _axis(root, scale)
    if floor_px:
        _ruler(root, scale, floor_px)
    _stems(root, ranked[:half], scale, first_label, left=True)
    _stems(root, list(reversed(ranked[half:])), scale, first_label, left=False)
    for level, letter in bars:
        _bar(root, letter, _holders(ranked, letter), scale, AXIS_Y + 13 + BAR_GAP * level)
    caption = (
        "Left is better. A bar joins models, its dots, of which this run does not tell any two apart: tested between "
        "architectures, training variance included, corrected for the number of comparisons (Holm). Each bar is a "
        "letter."
    )
    if floor_px:
        caption += (
            f" The ruler is the resolution floor, {floor_px:.2f} px in the median over pairs of networks: smaller "
            "differences are often missed."
        )
    return Figure("figure-ties", "Who can be told apart", caption, markup(root), wide=True)


def _range(ranked: Sequence[BoardRow], floor_px: float | None) -> tuple[float, float]:
    errors = [each.rmse_px or 0.0 for each in ranked]
    candidates = [error for each, error in zip(ranked, errors, strict=True) if not each.is_gate]
    if not candidates:
        return padded(errors)
    low, high = padded([*candidates, candidates[0] + (floor_px or 0.0)])
    reach = high + 0.6 * (high - low)
    return padded([error for error in errors if error <= reach] + candidates)


def _levels(ranked: Sequence[BoardRow], scale: Scale) -> list[tuple[int, str]]:
    """The letters of several models, left to right, each with its level: what would touch on one goes to another."""
    found: list[tuple[int, str]] = []
    ends: list[float] = []
    for letter in dict.fromkeys(letter for row in ranked for letter in row.letters):
        holders = _holders(ranked, letter)
        if len(holders) > 1:
            start, end = _place(holders[0], scale), _place(holders[-1], scale)
            level = next((level for level, taken in enumerate(ends) if taken <= start - 10), len(ends))
            ends[level : level + 1] = [end]
            found.append((level, letter))
    return found


def _holders(ranked: Sequence[BoardRow], letter: str) -> list[BoardRow]:
    return [row for row in ranked if letter in row.letters]


def _bar(root: Element, letter: str, holders: Sequence[BoardRow], scale: Scale, y: float) -> None:
    group = put(root, "g", class_=f"tie{' best' if all(row.leads or row.is_gate for row in holders) else ''}")
    put(group, "title", f"letter {letter}")
    places = [_place(row, scale) for row in holders]
    put(group, "line", x1=places[0] - 4, x2=places[-1] + 4, y1=y, y2=y)
    for place in places:
        put(group, "circle", cx=place, cy=y, r=1.6)


def _place(row: BoardRow, scale: Scale) -> float:
    return min(max(scale(row.rmse_px or 0.0), LEFT), RIGHT)


def _axis(root: Element, scale: Scale) -> None:
    axis = put(root, "g", class_="axis")
    put(axis, "line", class_="base", x1=LEFT, x2=RIGHT, y1=AXIS_Y, y2=AXIS_Y)
    for value in scale.ticks(6):
        put(axis, "line", class_="tick", x1=scale(value), x2=scale(value), y1=AXIS_Y - 5, y2=AXIS_Y)
        put(axis, "text", f"{value:g}", x=scale(value), y=AXIS_Y - 10, text_anchor="middle")
    put(axis, "text", "RMSE, px", class_="name", x=LEFT - 12, y=AXIS_Y - 10, text_anchor="end")


def _ruler(root: Element, scale: Scale, floor_px: float) -> None:
    start, end = LEFT, LEFT + scale(scale.low + floor_px) - LEFT
    ruler = put(root, "g", class_="ruler")
    put(ruler, "path", d=f"M{start:.1f},16v8m0,-4H{end:.1f}m0,-4v8", fill="none")
    put(ruler, "text", f"resolution floor {floor_px:.2f} px", x=end + 8, y=24)


def _stems(root: Element, side: Sequence[BoardRow], scale: Scale, first_label: float, *, left: bool) -> None:
    edge = LEFT - 14 if left else RIGHT + 14
    for line, row in enumerate(side):
        x, y = _place(row, scale), first_label + LABEL_GAP * line
        beyond = "" if scale.low <= (row.rmse_px or 0.0) <= scale.high else " →"
        mark = put(root, "g", class_=f"stem {row.class_name}", data_model=str(row.index))
        put(mark, "title", f"{row.model}: {row.rmse_px:.3f} px, {row.lettered}")
        put(mark, "path", d=f"M{x:.1f},{AXIS_Y}V{y:.1f}H{edge:.1f}", fill="none")
        put(mark, "circle", cx=x, cy=AXIS_Y, r=3.5)
        name = shortened(row.model, 20)
        words = f"{name}  {row.rmse_px:.2f} {row.lettered}{beyond}"
        put(mark, "text", words, x=edge + (-6 if left else 6), y=y + 4, text_anchor="end" if left else "start")
