"""Cumulative error curves: the share of rows found within an error."""

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from bench.measuring.accuracy import FAILURE_NME
from bench.reporting.board_facts import BoardRow
from bench.reporting.drawing import Axes, Scale, markup, path_of, picture, put, shortened, spaced_apart
from bench.reporting.section import Figure

WIDTH, HEIGHT = 740.0, 420.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 490.0, 34.0, 370.0
STEPS = 80

Numbers = NDArray[np.float64]


def cumulative_figure(rows: Sequence[BoardRow], nme: Mapping[str, Numbers], normaliser: str) -> Figure | None:
    """Draw for each model the share of rows whose NME (a fraction of ``normaliser``, NaN = left out) is at
    most x.
    """
    x = Scale(0, FAILURE_NME * 100, LEFT, RIGHT)
    y = Scale(0, 100, BOTTOM, TOP)
    grid = np.linspace(0, FAILURE_NME, STEPS + 1)
    curves = {each.index: _shares(nme[each.model], grid) for each in rows if np.isfinite(nme[each.model]).any()}
    if not curves:
        return None
    root = picture(WIDTH, HEIGHT, "Cumulative error curves", class_="chart")
    Axes(x, y, f"NME at most, % of the {normaliser}", "share of rows, %").draw(root)
    shown = [each for each in rows if each.index in curves]
    for row in reversed(shown):  # the best last, on top
        places = [(x(error * 100), y(share)) for error, share in zip(grid, curves[row.index], strict=True)]
        curve = put(root, "path", class_=f"curve {row.class_name}", d=path_of(places), fill="none")
        curve.set("data-model", str(row.index))
        put(curve, "title", f"{row.model}: {curves[row.index][-1]:.1f} % of the rows below 10 %")
    _labels(root, [each for each in shown if each.coloured or each.is_gate], curves, y)
    caption = (
        "Up and left is better. The curve's area up to 10 % is the AUC of the table, what it lacks to 100 % at the "
        "right edge is the failure rate. Every training seed counts."
    )
    if any(not each.coloured and not each.is_gate for each in shown):
        caption += " The best eight networks are coloured and named, the others are thin lines."
    return Figure("figure-cumulative", "How many rows are found how well", caption, markup(root), wide=True)


def _shares(nme: Numbers, grid: Numbers) -> Numbers:
    known = np.sort(nme[np.isfinite(nme)])
    return np.asarray(np.searchsorted(known, grid, side="right") / known.size * 100, np.float64)


def _labels(root: Element, rows: Sequence[BoardRow], curves: Mapping[int, Numbers], y: Scale) -> None:
    wanted = [y(float(curves[each.index][-1])) for each in rows]
    for row, end, at in zip(rows, wanted, spaced_apart(wanted, 17, TOP, BOTTOM), strict=True):
        label = put(root, "g", class_=f"end-label {row.class_name}", data_model=str(row.index))
        put(label, "path", d=f"M{RIGHT + 2},{end:.1f}L{RIGHT + 16},{at:.1f}", fill="none")
        text = f"{shortened(row.model, 20)} {curves[row.index][-1]:.1f} %"
        put(label, "text", text, x=RIGHT + 20, y=at + 4)
