"""The small interval drawing inside a row of the ranking."""

from collections.abc import Sequence

from markupsafe import Markup

from bench.reporting.board_facts import BoardRow
from bench.reporting.drawing import Scale, markup, padded, picture, put

WIDTH, HEIGHT = 130.0, 18.0


def interval_cells(rows: Sequence[BoardRow]) -> dict[int, Markup]:
    """By index, a dot at the RMSE and a bar over its interval, all on one scale set by the ranked networks."""
    leading = [each for each in rows if each.ranked and not each.is_gate] or list(rows)
    values = [value for each in leading for value in (each.rmse_px, *(each.interval_px or ())) if value is not None]
    if not values:
        return {}
    scale = Scale(*padded(values, 0.04), 14, WIDTH - 14)
    return {each.index: _cell(each, scale) for each in rows if each.rmse_px is not None}


def _cell(row: BoardRow, scale: Scale) -> Markup:
    root = picture(WIDTH, HEIGHT, "", class_=f"interval{' best' if row.leads else ''}", aria_hidden="true")
    middle, error = HEIGHT / 2, row.rmse_px or 0.0
    put(root, "line", class_="grid", x1=0, x2=WIDTH, y1=middle, y2=middle)
    if not scale.low <= error <= scale.high:
        arrow = f"M{WIDTH - 8},{middle - 4}l6,4l-6,4Z" if error > scale.high else f"M8,{middle - 4}l-6,4l6,4Z"
        put(root, "path", class_="beyond", d=arrow)
        return markup(root)
    if row.interval_px:
        low, high = (min(max(scale(value), 0), WIDTH) for value in row.interval_px)
        put(root, "line", class_="bar", x1=low, x2=high, y1=middle, y2=middle)
    put(root, "circle", cx=scale(error), cy=middle, r=3.5)
    return markup(root)
