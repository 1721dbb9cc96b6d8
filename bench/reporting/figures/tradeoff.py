"""Error against a cost, with both uncertainties and the Pareto front."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from bench.reporting.board_facts import BoardRow
from bench.reporting.drawing import Axes, Scale, markup, padded, picture, put, shortened
from bench.reporting.number_text import format_count
from bench.reporting.section import Figure

WIDTH, HEIGHT = 520.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 506.0, 34.0, 350.0
LETTER_PX = 7.0
"""Mean width of a letter at the size of labels; enough to keep labels apart."""
LETTERS = (24, 16, 11)
"""How long a name may be beside its mark; the shorter ones where there is no room."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Point:
    """A model in the plane of cost and error; intervals are None where they are not known."""

    row: BoardRow
    cost: float
    cost_interval: tuple[float, float] | None
    error: float
    error_interval: tuple[float, float] | None


def latency_figure(rows: Sequence[BoardRow]) -> Figure | None:
    """Error against the median latency of one picture on one thread."""
    points = _points(rows, lambda row: row.p50_ms, _latency_interval)
    caption = (
        "Down and left is better. Latency: one picture, one thread, forward only; bars are 95 % intervals of both. "
        "The line is the Pareto front: no model on it is beaten in both. Filled: best tie group."
    )
    drawn = _draw(points, rows, "median latency, ms (log)", "{:g}".format, "Error against latency")
    return None if drawn is None else Figure("figure-latency", "Error against latency", caption, markup(drawn))


def parameter_figure(rows: Sequence[BoardRow]) -> Figure | None:
    """Error against the number of parameters."""
    points = _points(rows, lambda row: row.parameters, lambda _: None)
    caption = (
        "Down and left is better; bars are 95 % intervals of the error, parameters are counted exactly. Same marks as "
        "beside."
    )
    drawn = _draw(points, rows, "parameters (log)", format_count, "Error against parameters")
    return None if drawn is None else Figure("figure-parameters", "Error against parameters", caption, markup(drawn))


def _latency_interval(row: BoardRow) -> tuple[float, float] | None:
    found = (row.latency_ms or {}).get("p50_ci95")
    return (float(found[0]), float(found[1])) if found and found[0] > 0 else None


def _points(
    rows: Sequence[BoardRow],
    cost: Callable[[BoardRow], float | None],
    interval: Callable[[BoardRow], tuple[float, float] | None],
) -> list[Point]:
    return [
        Point(each, float(value), interval(each), each.rmse_px, each.interval_px)
        for each in rows
        if not each.is_gate and each.ranked and each.rmse_px is not None and (value := cost(each))
    ]


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """The points that no other one beats in cost and error, cheapest first."""
    front: list[Point] = []
    for point in sorted(points, key=lambda each: (each.cost, each.error)):
        if not front or point.error < front[-1].error:
            front.append(point)
    return front


def _draw(
    points: Sequence[Point], rows: Sequence[BoardRow], cost_label: str, cost_text: Callable[[float], str], title: str
) -> Element | None:
    if not points:
        return None
    x = Scale(*padded([value for each in points for value in _cost_reach(each)], 0.08, log=True), LEFT, RIGHT, log=True)
    y = Scale(*padded([value for each in points for value in _error_reach(each)], 0.1), BOTTOM, TOP)
    root = picture(WIDTH, HEIGHT, title, class_="chart")
    Axes(x, y, cost_label, "RMSE, px", cost_text).draw(root)
    gates = _gate_lines(root, rows, y)
    front = pareto_front(points)
    _front_line(root, front, x, y)
    for point in sorted(points, key=lambda each: each.row.leads):
        _mark(root, point, x, y)
    _labels(root, [*front, *(each for each in points if each not in front)], gates, (x, y))
    return root


def _cost_reach(point: Point) -> tuple[float, ...]:
    return (point.cost, *(point.cost_interval or ()))


def _error_reach(point: Point) -> tuple[float, ...]:
    return (point.error, *(point.error_interval or ()))


def _gate_lines(root: Element, rows: Sequence[BoardRow], y: Scale) -> list[float]:
    """Draw the gates that lie within the errors shown; their errors."""
    drawn = []
    for gate in rows:
        if gate.is_gate and gate.rmse_px is not None and y.low < gate.rmse_px < y.high:
            at = y(gate.rmse_px)
            put(root, "line", class_="gate-line", x1=LEFT, x2=RIGHT, y1=at, y2=at)
            put(root, "text", f"gate {gate.model}", class_="muted", x=RIGHT, y=at - 5, text_anchor="end")
            drawn.append(gate.rmse_px)
    return drawn


def _front_line(root: Element, front: Sequence[Point], x: Scale, y: Scale) -> None:
    path = f"M{x(front[0].cost):.1f},{TOP}V{y(front[0].error):.1f}"
    for point in front[1:]:
        path += f"H{x(point.cost):.1f}V{y(point.error):.1f}"
    put(root, "path", class_="front", d=f"{path}H{RIGHT}", fill="none")


def _mark(root: Element, point: Point, x: Scale, y: Scale) -> None:
    row = point.row
    mark = put(root, "g", class_=f"point{' best' if row.leads else ''}", data_model=str(row.index))
    put(mark, "title", f"{row.model}: {point.error:.3f} px")
    at_x, at_y = x(point.cost), y(point.error)
    if point.error_interval:
        low, high = point.error_interval
        put(mark, "line", x1=at_x, x2=at_x, y1=y(low), y2=y(high))
    if point.cost_interval:
        low, high = point.cost_interval
        put(mark, "line", x1=x(low), x2=x(high), y1=at_y, y2=at_y)
    put(mark, "circle", cx=at_x, cy=at_y, r=5)


def _labels(root: Element, points: Sequence[Point], gates: Sequence[float], axes: tuple[Scale, Scale]) -> None:
    """Names beside their marks where they cover no mark, gate line or other name; the most telling come first."""
    x, y = axes
    marks = [_around(x(each.cost), y(each.error), 6) for each in points]
    names = [(LEFT, y(gate) - 2, RIGHT, y(gate) + 2) for gate in gates]
    names += [
        (x(each.cost) - 2, y(max(_error_reach(each))), x(each.cost) + 2, y(min(_error_reach(each)))) for each in points
    ]
    for own, point in enumerate(points):
        taken = [*marks[:own], *marks[own + 1 :], *names]
        for name, at_x, base, anchor, box in _places(point, x, y):
            inside = box[0] >= LEFT and box[2] <= WIDTH and box[1] >= TOP - 8 and box[3] <= BOTTOM
            if inside and not any(_meet(box, each) for each in taken):
                label = put(root, "text", name, class_="label", x=at_x, y=base, text_anchor=anchor)
                label.set("data-model", str(point.row.index))
                names.append(box)
                break


def _places(point: Point, x_scale: Scale, y_scale: Scale) -> Iterator[tuple[str, float, float, str, Box]]:
    """A label and where its base line may stand around a mark, best first, with the box that it would fill."""
    x, y = x_scale(point.cost), y_scale(point.error)
    top, bottom = y_scale(max(_error_reach(point))), y_scale(min(_error_reach(point)))
    wanted = (
        (x + 10, y - 6, "start"), (x + 10, y + 15, "start"), (x - 10, y + 15, "end"),
        (x - 10, y - 6, "end"), (x, min(top, y - 5) - 5, "middle"), (x, max(bottom, y + 5) + 14, "middle"),
    )  # fmt: skip
    for label in dict.fromkeys(shortened(point.row.model, letters) for letters in LETTERS):
        width = len(label) * LETTER_PX
        before = {"start": 0.0, "middle": width / 2, "end": width}
        for at, base, anchor in wanted:
            yield label, at, base, anchor, (at - before[anchor], base - 11, at - before[anchor] + width, base + 3)


def _around(x: float, y: float, radius: float) -> Box:
    return x - radius, y - radius, x + radius, y + radius


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
