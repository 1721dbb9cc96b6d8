"""Error against a cost, with both uncertainties and the Pareto front."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from bench.reporting.board_facts import BoardRow
from bench.reporting.drawing import Axes, Scale, markup, padded, picture, put, shortened, staircase
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
    """A model in the plane of cost and error; a reach is its interval, or the value twice where none is known."""

    row: BoardRow
    cost: float
    cost_reach: tuple[float, float]
    error: float
    error_reach: tuple[float, float]


def latency_figure(rows: Sequence[BoardRow]) -> Figure | None:
    """Error against the median latency of one picture on one thread."""
    points = _points(rows, lambda row: row.p50_ms, lambda row: (row.latency_ms or {}).get("p50_ci95"))
    caption = (
        "Down and left is better. Latency: one picture, one thread, forward only; bars are 95 % intervals of both. "
        "The line is the Pareto front: no model on it is beaten in both. Filled: not told apart from the best network."
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


def _points(
    rows: Sequence[BoardRow],
    cost: Callable[[BoardRow], float | None],
    interval: Callable[[BoardRow], Sequence[float] | None],
) -> list[Point]:
    points = []
    for row in rows:
        value, error = cost(row), row.rmse_px
        if value and error is not None and row.ranked and not row.is_gate:
            low, high = interval(row) or (value, value)
            points.append(Point(row, value, (low, high), error, row.interval_px or (error, error)))
    return points


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
    x = Scale(*padded([value for each in points for value in each.cost_reach], 0.08, log=True), LEFT, RIGHT, log=True)
    y = Scale(*padded([value for each in points for value in each.error_reach], 0.1), BOTTOM, TOP)
    root = picture(WIDTH, HEIGHT, title, class_="chart")
    Axes(x, y, cost_label, "RMSE, px", cost_text).draw(root)
    gates = _gate_lines(root, rows, y)
    front = pareto_front(points)
    _front_line(root, front, x, y)
    for point in sorted(points, key=lambda each: each.row.leads):
        _mark(root, point, x, y)
    _labels(root, [*front, *(each for each in points if each not in front)], gates, (x, y))
    return root


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
    steps = [(x(front[0].cost), TOP), *((x(point.cost), y(point.error)) for point in front)]
    put(root, "path", class_="front", d=f"{staircase(steps)}H{RIGHT}", fill="none")


def _mark(root: Element, point: Point, x: Scale, y: Scale) -> None:
    row = point.row
    mark = put(root, "g", class_=f"point{' best' if row.leads else ''}", data_model=str(row.index))
    put(mark, "title", f"{row.model}: {point.error:.3f} px")
    at_x, at_y = x(point.cost), y(point.error)
    (left, right), (low, high) = map(x, point.cost_reach), map(y, point.error_reach)
    if low != high:
        put(mark, "line", x1=at_x, x2=at_x, y1=low, y2=high)
    if left != right:
        put(mark, "line", x1=left, x2=right, y1=at_y, y2=at_y)
    put(mark, "circle", cx=at_x, cy=at_y, r=5)


def _labels(root: Element, points: Sequence[Point], gates: Sequence[float], axes: tuple[Scale, Scale]) -> None:
    """Names beside their marks where they cover no mark, gate line or other name; the most telling come first."""
    x, y = axes
    places = [(x(each.cost), y(each.error)) for each in points]
    marks = [(at_x - 6, at_y - 6, at_x + 6, at_y + 6) for at_x, at_y in places]
    names = [(LEFT, y(gate) - 2, RIGHT, y(gate) + 2) for gate in gates]
    for each, (at_x, _) in zip(points, places, strict=True):
        low, high = map(y, each.error_reach)
        names.append((at_x - 2, high, at_x + 2, low))
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
    bottom, top = map(y_scale, point.error_reach)
    wanted = (
        (x + 10, y - 6, "start"), (x + 10, y + 15, "start"), (x - 10, y + 15, "end"),
        (x - 10, y - 6, "end"), (x, min(top, y - 5) - 5, "middle"), (x, max(bottom, y + 5) + 14, "middle"),
    )  # fmt: skip
    for label in dict.fromkeys(shortened(point.row.model, letters) for letters in LETTERS):
        width = len(label) * LETTER_PX
        before = {"start": 0.0, "middle": width / 2, "end": width}
        for at, base, anchor in wanted:
            yield label, at, base, anchor, (at - before[anchor], base - 11, at - before[anchor] + width, base + 3)


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
