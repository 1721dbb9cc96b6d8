"""Errors per keypoint, drawn to scale at the mean places of the points."""

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from bench.measuring.accuracy import finite_mean
from bench.reporting.board_facts import BoardRow
from bench.reporting.drawing import markup, picture, put, shortened
from bench.reporting.number_text import places
from bench.reporting.section import Figure
from bench.scheme import SEED_SCHEME, Scheme

MOST_FACES = 12
WIDTH, HEIGHT = 200.0, 244.0

OUTLINES: tuple[tuple[str, ...], ...] = (
    ("left_eyebrow_inner_end", "left_eyebrow_outer_end"),
    ("right_eyebrow_inner_end", "right_eyebrow_outer_end"),
)
EYES = (
    ("left_eye_inner_corner", "left_eye_center", "left_eye_outer_corner"),
    ("right_eye_inner_corner", "right_eye_center", "right_eye_outer_corner"),
)
MOUTH = ("mouth_left_corner", "mouth_center_top_lip", "mouth_right_corner", "mouth_center_bottom_lip")

Points = NDArray[np.float64]


def keypoint_figure(rows: Sequence[BoardRow], truth: NDArray[np.float32], scheme: Scheme) -> Figure | None:
    """A frame per model: a disc's radius is the RMSE at that keypoint, a ring's that of the best model there.

    The seed's fifteen points lie on a schematic face; what other points are of is not known, so they stand alone.
    """
    mean = finite_mean(truth.astype(np.float64))  # over rows
    scored = [row for row in rows if row.ranked]
    shown = scored[:MOST_FACES]
    if not shown or not np.isfinite(mean).any():
        return None
    errors = np.array([[row.per_keypoint_rmse_px[name] for name in scheme.names] for row in scored], dtype=np.float64)
    best = np.fmin.reduce(errors, axis=0)
    faces = Markup().join(markup(_face(row, errors[k], best, mean, scheme)) for k, row in enumerate(shown))
    caption = (
        "A disc's radius is the RMSE at that keypoint, to scale with the frame, at the mean place of its labels; the "
        "ring is the smallest RMSE that any model reaches there."
    )
    if _is_face(mean, scheme):
        caption += " The outline is schematic."
    if len(shown) < len(scored):
        caption += f" The best {len(shown)} of {len(scored)} models are drawn; the table below has all."
    body = Markup('<div class="multiples faces">') + faces + Markup("</div>")
    return Figure("figure-keypoints", "Where they miss", caption, body, wide=True)


def _is_face(mean: Points, scheme: Scheme) -> bool:
    return scheme.names == SEED_SCHEME.names and bool(np.isfinite(mean).all())


def _face(row: BoardRow, errors: Points, best: Points, mean: Points, scheme: Scheme) -> Element:
    words = f"Error per keypoint of {row.model}"
    root = picture(WIDTH, HEIGHT, words, class_="chart small face", data_model=str(row.index))
    put(root, "title", row.model)
    put(root, "text", shortened(row.model, 26), class_="chart-title", x=WIDTH / 2, y=14, text_anchor="middle")
    face = put(root, "g", transform=f"translate(0 18) scale({WIDTH / scheme.side_px:.4f})")
    if _is_face(mean, scheme):
        draw_outline(face, dict(zip(scheme.names, mean, strict=True)))
    for name, point, error, least in zip(scheme.names, mean, errors, best, strict=True):
        if np.isfinite([*point, error]).all():
            disc = put(face, "circle", class_="disc", cx=point[0], cy=point[1], r=error)
            put(disc, "title", f"{name}: {error:.2f} px, best {least:.2f} px")
            put(face, "circle", class_="ring", cx=point[0], cy=point[1], r=least, fill="none")
    if np.isfinite(errors).any():
        worst = int(np.nanargmax(errors))
        words = f"{scheme.names[worst].replace('_', ' ')} {places(2)(errors[worst])} px"
        put(root, "text", words, class_="muted", x=WIDTH / 2, y=HEIGHT - 6, text_anchor="middle")
    return root


def draw_outline(parent: Element, at: Mapping[str, Points]) -> None:
    """A quiet schematic face through fifteen points in pixels, each by its name."""
    outline = put(parent, "g", class_="outline", fill="none")
    put(outline, "path", d=_head(at))
    for names in OUTLINES:
        (x1, y1), (x2, y2) = (at[name] for name in names)
        put(outline, "path", d=f"M{x1:.1f},{y1:.1f}Q{(x1 + x2) / 2:.1f},{(y1 + y2) / 2 - 3:.1f} {x2:.1f},{y2:.1f}")
    for names in EYES:
        inner, centre, outer = (at[name] for name in names)
        lid = np.array([0.0, 3.0])
        put(outline, "path", d=_lens(inner, centre - lid, outer, centre + lid))
    put(outline, "path", d=_nose(at))
    put(outline, "path", d=_lens(*(at[name] for name in MOUTH)))


def _lens(left: Points, top: Points, right: Points, low: Points) -> str:
    """Two arcs from corner to corner, one over the top and one under the low point."""
    middle = (left[1] + right[1]) / 2
    return (
        f"M{left[0]:.1f},{left[1]:.1f}Q{top[0]:.1f},{2 * top[1] - middle:.1f} {right[0]:.1f},{right[1]:.1f}"
        f"Q{low[0]:.1f},{2 * low[1] - middle:.1f} {left[0]:.1f},{left[1]:.1f}Z"
    )


def _head(at: Mapping[str, Points]) -> str:
    left, right = at["left_eye_center"], at["right_eye_center"]
    lip = at["mouth_center_bottom_lip"]
    middle = (left + right) / 2
    half = float(np.hypot(*(left - right))) * 1.08
    chin, crown = lip[1] + half * 0.42, middle[1] - half * 0.95
    x, y, height = middle[0], (chin + crown) / 2, (chin - crown) / 2
    half_turn = f"a{half:.1f},{height:.1f} 0 1 1 "
    return f"M{x - half:.1f},{y:.1f}{half_turn}{2 * half:.1f},0{half_turn}{-2 * half:.1f},0Z"


def _nose(at: Mapping[str, Points]) -> str:
    tip = at["nose_tip"]
    bridge = (at["left_eye_inner_corner"] + at["right_eye_inner_corner"]) / 2
    return (
        f"M{bridge[0]:.1f},{bridge[1]:.1f}L{tip[0] - 5:.1f},{tip[1] + 2:.1f}"
        f"Q{tip[0]:.1f},{tip[1] + 6:.1f} {tip[0] + 5:.1f},{tip[1] + 2:.1f}"
    )
