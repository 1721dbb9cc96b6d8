"""SVG by hand: every text and attribute passes through ElementTree, which escapes; colours are the page's classes."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

Attribute = str | float
COLOURS = 8
"""Series that get a colour of their own; beyond that a reader cannot tell colours apart, and lines are grey."""


def series_class(place: int) -> str:
    """CSS class of the lines and marks of a series, by its place from 0."""
    return f"s{place + 1}" if place < COLOURS else "other"


def put(parent: Element, tag: str, text: str | None = None, **attributes: Attribute) -> Element:
    """Add an element; ``class_`` becomes ``class``, underscores become hyphens, numbers keep two decimals."""
    child = SubElement(parent, tag, _written(attributes))
    if text is not None:
        child.text = printable(text)
    return child


def picture(width: float, height: float, title: str, **attributes: Attribute) -> Element:
    """An ``svg`` element of this size in user units, named ``title`` for a screen reader."""
    own = {"viewBox": f"0 0 {number(width)} {number(height)}", "role": "img", "aria_label": title}
    return Element("svg", _written({**own, **attributes}))


def markup(root: Element) -> Markup:
    """The element as HTML; safe because ElementTree escaped whatever went in."""
    return Markup(tostring(root, encoding="unicode"))


def printable(text: str) -> str:
    """Text without control characters, which no markup can carry."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def number(value: float) -> str:
    """A coordinate: two decimals, no trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def path_of(points: Sequence[tuple[float, float]]) -> str:
    """A polyline as path data with one decimal: curves are what makes a page heavy."""
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def staircase(points: Sequence[tuple[float, float]]) -> str:
    """Path data of steps: across to each point, then up or down to it."""
    return "M{:.1f},{:.1f}".format(*points[0]) + "".join(f"H{x:.1f}V{y:.1f}" for x, y in points[1:])


def shortened(text: str, letters: int) -> str:
    """At most so many letters, the middle left out: beginnings and endings tell names apart."""
    if len(text) <= letters:
        return text
    tail = letters // 3
    return f"{text[: letters - tail - 1]}…{text[-tail:]}"


def _written(attributes: Mapping[str, Attribute]) -> dict[str, str]:
    return {
        name.rstrip("_").replace("_", "-"): printable(value) if isinstance(value, str) else number(value)
        for name, value in attributes.items()
    }


@dataclass(frozen=True)
class Scale:
    """From values ``low .. high`` to positions ``start .. end``, evenly or by logarithm."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The position of a value; values outside go on the same line."""
        at, low, high = (math.log(each) if self.log else each for each in (value, self.low, self.high))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def ticks(self, count: int = 5) -> list[float]:
        """About ``count`` round values inside."""
        if self.log:
            found = _log_ticks(self.low, self.high, count)
            if len(found) >= 2:
                return found
        return _even_ticks(self.low, self.high, count)


def _even_ticks(low: float, high: float, count: int) -> list[float]:
    rough = (high - low) / max(count, 1)
    if rough <= 0:
        return [low]
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * each for each in (1, 2, 2.5, 5, 10) if unit * each >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float, count: int) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        found = [digit * 10.0**decade for decade in decades for digit in digits]
        found = [value for value in found if low * 0.999 <= value <= high * 1.001]
        if len(found) <= count + 1:
            return found
    return found


def padded(values: Sequence[float], share: float = 0.06, log: bool = False) -> tuple[float, float]:
    """The range of the values with some air on both sides; a single value gets a range around it.

    A logarithmic range is never so narrow that three digits would not tell its ticks apart.
    """
    low, high = min(values), max(values)
    if log:
        factor = max((high / low) ** share, 1.05) if high > low else 2.0
        return low / factor, high * factor
    air = (high - low) * share if high > low else abs(high) * 0.1 or 1.0
    return low - air, high + air


def spaced_apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones, in their order, at least ``gap`` apart and inside ``low .. high`` if they fit."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = [wanted[i] for i in order]
    for i, value in enumerate(placed):
        placed[i] = max(value, low if i == 0 else placed[i - 1] + gap)
    ceiling = high
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - gap
    result = [0.0] * len(wanted)
    for position, i in zip(placed, order, strict=True):
        result[i] = position
    return result


@dataclass(frozen=True)
class Axes:
    """The frame of a chart: two scales and their words."""

    x: Scale
    y: Scale
    x_label: str
    y_label: str
    x_text: Callable[[float], str] = "{:g}".format

    def draw(self, root: Element) -> None:
        """Quiet grid lines, round values, the name of y above the axis and of x below it."""
        left, right, bottom, top = self.x.start, self.x.end, self.y.start, self.y.end
        frame = put(root, "g", class_="axis")
        for value in self.y.ticks(5):
            put(frame, "line", class_="grid", x1=left, x2=right, y1=self.y(value), y2=self.y(value))
            put(frame, "text", f"{value:g}", x=left - 7, y=self.y(value) + 4, text_anchor="end")
        for value in self.x.ticks(5):
            put(frame, "line", class_="tick", x1=self.x(value), x2=self.x(value), y1=bottom, y2=bottom + 5)
            put(frame, "text", self.x_text(value), x=self.x(value), y=bottom + 19, text_anchor="middle")
        put(frame, "line", class_="base", x1=left, x2=right, y1=bottom, y2=bottom)
        put(frame, "text", self.y_label, class_="name", x=left, y=top - 12)
        put(frame, "text", self.x_label, class_="name", x=right, y=bottom + 38, text_anchor="end")
