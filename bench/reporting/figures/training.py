"""Training curves: one small chart per model, a thin line per cell."""

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from bench.records.schema import CellRecord, CurvePoint
from bench.reporting.board_facts import BoardRow
from bench.reporting.drawing import Scale, markup, padded, path_of, picture, put, shortened
from bench.reporting.section import Figure

WIDTH, HEIGHT = 230.0, 150.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 222.0, 26.0, 128.0
MOST_CHARTS = 24
MOST_POINTS = 60


def training_figure(rows: Sequence[BoardRow], cells: Mapping[str, Sequence[CellRecord]]) -> Figure | None:
    """Training loss by epoch for the best ``MOST_CHARTS`` models; one scale for all that share a loss."""
    curves = {each.index: [thinned(cell.curve) for cell in cells[each.model] if cell.curve] for each in rows}
    with_curves = [each for each in rows if curves[each.index]]
    if not with_curves:
        return None
    shown = with_curves[:MOST_CHARTS]
    reaches = _reaches(shown, curves)
    charts = Markup().join(markup(_chart(each, curves[each.index], reaches[_loss(each)])) for each in shown)
    caption = "A thin line per cell (fold and seed): training loss on a logarithmic scale against the epoch. "
    caption += "Charts whose models share a loss share its scale."
    if len(shown) < len(with_curves):
        caption += f" The best {len(shown)} of {len(with_curves)} models are drawn."
    body = Markup('<div class="multiples">') + charts + Markup("</div>")
    return Figure("figure-training", "How training went", caption, body, wide=True)


def thinned(curve: Sequence[CurvePoint]) -> list[tuple[int, float]]:
    """At most ``MOST_POINTS`` epochs with a finite positive loss, the first and last among them."""
    sound = [(point.epoch, point.train_loss) for point in curve if 0 < point.train_loss < float("inf")]
    if len(sound) <= MOST_POINTS:
        return sound
    chosen = {round(k * (len(sound) - 1) / (MOST_POINTS - 1)) for k in range(MOST_POINTS)}
    return [sound[k] for k in sorted(chosen)]


def _loss(row: BoardRow) -> str:
    return str((row.recipe or {}).get("loss"))


def _reaches(
    shown: Sequence[BoardRow], curves: Mapping[int, Sequence[Sequence[tuple[int, float]]]]
) -> dict[str, tuple[float, float]]:
    values: dict[str, list[float]] = {}
    for row in shown:
        values.setdefault(_loss(row), []).extend(loss for curve in curves[row.index] for _, loss in curve)
    return {name: padded(found, 0.04, log=True) if found else (0.1, 1.0) for name, found in values.items()}


def _chart(row: BoardRow, curves: Sequence[Sequence[tuple[int, float]]], reach: tuple[float, float]) -> Element:
    last = max((curve[-1][0] for curve in curves if curve), default=1)
    first = min((curve[0][0] for curve in curves if curve), default=0)
    x, y = Scale(first, last, LEFT, RIGHT), Scale(*reach, BOTTOM, TOP, log=True)
    named = f"Training curves of {row.model}"
    root = picture(WIDTH, HEIGHT, named, class_="chart small", data_model=str(row.index))
    put(root, "title", row.model)
    put(root, "text", shortened(row.model, 30), class_="chart-title", x=2, y=14)
    axis = put(root, "g", class_="axis")
    for value in y.ticks(3):
        put(axis, "line", class_="grid", x1=LEFT, x2=RIGHT, y1=y(value), y2=y(value))
        put(axis, "text", f"{value:.3g}", x=LEFT - 5, y=y(value) + 4, text_anchor="end")
    put(axis, "line", class_="base", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM)
    put(axis, "text", f"epoch {first}", x=LEFT, y=BOTTOM + 16)
    if last > first:
        put(axis, "text", str(last), x=RIGHT, y=BOTTOM + 16, text_anchor="end")
    for curve in curves:
        places = [(x(epoch), y(loss)) for epoch, loss in curve]
        if len(places) == 1:
            put(root, "circle", class_="thin", cx=places[0][0], cy=places[0][1], r=3, fill="none")
        elif places:
            put(root, "path", class_="thin", d=path_of(places), fill="none")
    return root
