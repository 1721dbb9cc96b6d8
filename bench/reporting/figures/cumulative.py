"""Cumulative error curves: the share of faces found within an error."""

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from bench.measuring.accuracy import FAILURE_NME
from bench.reporting.drawing import Axes, Scale, markup, path_of, picture, put, shortened, spread
from bench.reporting.section import Figure
from bench.reporting.subjects import Subject

WIDTH, HEIGHT = 740.0, 420.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 490.0, 34.0, 370.0
STEPS = 80

Numbers = NDArray[np.float64]


def cumulative_figure(subjects: Sequence[Subject], nme: Mapping[str, Numbers]) -> Figure | None:
    """Draw for each model the share of rows whose NME (a fraction, NaN = left out) is at most x."""
    x = Scale(0, FAILURE_NME * 100, LEFT, RIGHT)
    y = Scale(0, 100, BOTTOM, TOP)
    grid = np.linspace(0, FAILURE_NME, STEPS + 1)
    curves = {each.index: _shares(nme[each.name], grid) for each in subjects if np.isfinite(nme[each.name]).any()}
    if not curves:
        return None
    root = picture(WIDTH, HEIGHT, "Cumulative error curves", class_="chart")
    Axes(x, y, "NME at most, % of the eye distance", "share of faces, %").draw(root)
    shown = [each for each in subjects if each.index in curves]
    for subject in reversed(shown):  # the best last, on top
        places = [(x(error * 100), y(share)) for error, share in zip(grid, curves[subject.index], strict=True)]
        curve = put(root, "path", class_=f"curve {subject.class_name}", d=path_of(places), fill="none")
        curve.set("data-model", str(subject.index))
        put(curve, "title", f"{subject.name}: {curves[subject.index][-1]:.1f} % of the faces below 10 %")
    _labels(root, [each for each in shown if each.colour or each.is_gate], curves, y)
    caption = (
        "Up and left is better. The curve's area up to 10 % is the AUC of the table, what it lacks to 100 % at the "
        "right edge is the failure rate. Every training seed counts."
    )
    if any(not each.colour and not each.is_gate for each in shown):
        caption += " The best eight networks are coloured and named, the others are thin lines."
    return Figure("figure-cumulative", "How many faces are found how well", caption, markup(root), wide=True)


def _shares(nme: Numbers, grid: Numbers) -> Numbers:
    known = np.sort(nme[np.isfinite(nme)])
    return np.asarray(np.searchsorted(known, grid, side="right") / known.size * 100, np.float64)


def _labels(root: Element, subjects: Sequence[Subject], curves: Mapping[int, Numbers], y: Scale) -> None:
    wanted = [y(float(curves[each.index][-1])) for each in subjects]
    for subject, end, at in zip(subjects, wanted, spread(wanted, 17, TOP, BOTTOM), strict=True):
        label = put(root, "g", class_=f"end-label {subject.class_name}", data_model=str(subject.index))
        put(label, "path", d=f"M{RIGHT + 2},{end:.1f}L{RIGHT + 16},{at:.1f}", fill="none")
        text = f"{shortened(subject.name, 20)} {curves[subject.index][-1]:.1f} %"
        put(label, "text", text, x=RIGHT + 20, y=at + 4)
