"""Pictures that were missed: the worst rows of each model, and the rows that every network misses."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from bench.comparing.observations import Observations
from bench.faces.face_set import FaceSet
from bench.measuring.accuracy import FAILURE_NME, finite_mean
from bench.reporting.board_facts import BoardRow
from bench.reporting.drawing import markup, picture, put
from bench.reporting.row_errors import RowErrors
from bench.scheme import SEED_SCHEME, Scheme

MOST_MODELS = 12
ROWS_PER_MODEL = 8
MOST_SUSPECTS = 12
JPEG_QUALITY = 82
AGREEMENT = 0.5
"""Networks agree against a label where they lie within this share of their common distance from it ..."""
USUAL = 1.5
"""... and no further from each other than this times the median over all rows: on hard pictures they scatter ..."""
OUTSTANDING = 4.0
"""... and their common error is this many times its median over all rows: weak networks agree on much that is wrong."""

Numbers = NDArray[np.float64]
Points = NDArray[np.float32]


@dataclass(frozen=True)
class Card:
    """One picture with its points and a line of words (plain text); ``index`` is its row's, from 0."""

    index: int
    drawing: Markup
    words: str


@dataclass(frozen=True)
class Shelf:
    """The worst rows of one model."""

    row: BoardRow
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Gallery:
    """All cards, and the pictures behind them, each embedded once.

    Attributes:
        missed_by_all: how many rows every network misses by an NME above 10 %.
        pictures: hidden SVG with the embedded pictures; empty where no faces were given.
        picture_count: how many pictures of the data the page holds.
    """

    shelves: tuple[Shelf, ...]
    suspects: tuple[Card, ...]
    missed_by_all: int
    pictures: Markup
    picture_count: int


def make_gallery(
    rows: Sequence[BoardRow], observations: Observations, errors: RowErrors, faces: FaceSet | None
) -> Gallery:
    """Choose the rows, draw them, and embed their pictures if the faces are at hand."""
    candidates = [row for row in rows if row.ranked and not row.is_gate]
    source = _Source(observations, errors, faces is not None)
    shelves = tuple(source.shelf(row) for row in candidates[:MOST_MODELS])
    suspects = source.suspects([row.model for row in candidates])
    missed = np.all([finite_mean(errors.nme[row.model]) > FAILURE_NME for row in candidates], axis=0)
    missed_by_all = int(missed.sum()) if candidates else 0
    if faces is None:
        return Gallery(shelves, suspects, missed_by_all, Markup(), 0)
    shown = sorted({card.index for cards in (suspects, *(shelf.cards for shelf in shelves)) for card in cards})
    return Gallery(shelves, suspects, missed_by_all, _pictures(faces.images, shown, faces.scheme.side_px), len(shown))


@dataclass(frozen=True)
class _Source:
    """What cards are made of; ``pictured``: the page will hold the pictures."""

    observations: Observations
    errors: RowErrors
    pictured: bool

    def shelf(self, row: BoardRow) -> Shelf:
        """The rows where one model is worst."""
        rmse_px = self.errors.rmse_px(row.model)
        worst = _largest(rmse_px, ROWS_PER_MODEL)
        predicted = finite_mean(self.observations.predictions[row.model][:, worst].astype(np.float64))
        cards = [
            self._card(index, guess, f"{rmse_px[index]:.1f} px, {self._worst_keypoint(index, guess)}")
            for index, guess in zip(worst, predicted, strict=True)
        ]
        return Shelf(row, tuple(cards))

    def suspects(self, networks: Sequence[str]) -> tuple[Card, ...]:
        """The rows where even the best network misses most, each with what the networks say together."""
        if not networks:
            return ()
        least_px = np.fmin.reduce([self.errors.rmse_px(model) for model in networks])
        panel = _consult(networks[:MOST_MODELS], self.observations)
        cards = []
        for row in _largest(least_px, MOST_SUSPECTS):
            guess = panel.consensus[row]
            verdict = panel.verdict(row, self._worst_keypoint(row, guess))
            cards.append(self._card(row, guess, f"the best network misses by {least_px[row]:.1f} px. {verdict}"))
        return tuple(cards)

    def _card(self, row: np.int64, guess: Numbers, words: str) -> Card:
        truth, scheme = self.observations.truth[row], self.observations.scheme
        return Card(int(row), _drawing(int(row), truth, guess, scheme, self.pictured), f"row {row + 1}: {words}")

    def _worst_keypoint(self, row: np.int64, guess: Numbers) -> str:
        distance = np.hypot(*(guess - self.observations.truth[row]).T)
        if not np.isfinite(distance).any():
            return "no labelled point"
        worst = int(np.nanargmax(distance))
        return f"{self.observations.scheme.names[worst].replace('_', ' ')} {distance[worst]:.0f} px off"


@dataclass(frozen=True)
class Panel:
    """What the best networks say together.

    Attributes:
        networks: how many they are.
        consensus: float64 (N, K, 2), the median of their predictions in px.
        scatter_px: float64 (N,), root mean square distance of their coordinates from it.
        error_px: float64 (N,), the same of the labels; NaN where a row has none.
    """

    networks: int
    consensus: Numbers
    scatter_px: Numbers
    error_px: Numbers

    def verdict(self, row: np.int64, worst: str) -> str:
        """Why they miss the label of a row, and where most: whose fault it looks like."""
        if self.networks < 2:
            return f"Worst: {worst}."
        scatter, error = self.scatter_px[row], self.error_px[row]
        if scatter >= AGREEMENT * error or scatter > USUAL * np.nanmedian(self.scatter_px):
            return f"They scatter by {scatter:.1f} px: a hard picture ({worst})."
        if error < OUTSTANDING * np.nanmedian(self.error_px):
            return f"They share an error that is not unusual for them ({worst})."
        return f"They agree with each other within {scatter:.1f} px: look at the label ({worst})."


def _consult(networks: Sequence[str], observations: Observations) -> Panel:
    guesses = np.stack([finite_mean(observations.predictions[model].astype(np.float64)) for model in networks])
    consensus = np.median(guesses, axis=0)
    scatter_px = np.sqrt(np.mean(np.square(guesses - consensus), axis=(0, 2, 3)))
    squared = np.square(consensus - observations.truth).reshape(len(consensus), -1)
    error_px = np.sqrt(finite_mean(squared.T))  # over coordinates
    return Panel(len(networks), consensus, scatter_px, error_px)


def _largest(values: Numbers, count: int) -> NDArray[np.int64]:
    largest = np.argsort(-values, kind="stable")[:count]  # NaN comes last
    return np.asarray(largest[np.isfinite(values[largest])], np.int64)


def _drawing(row: int, truth: Points, guess: Numbers, scheme: Scheme, pictured: bool) -> Markup:
    side = scheme.side_px
    root = picture(side, side, f"Row {row + 1}: labelled and predicted points", class_="photo")
    put(root, "rect", class_="plate", width=side, height=side)
    if pictured:
        put(root, "use", href=f"#picture-{row}")
    # Marks are drawn for a frame of 96 px and grow with it; pixel centres lie at integers.
    unit = side / SEED_SCHEME.side_px
    points = put(root, "g", class_="points", transform=f"translate(0.5 0.5) scale({unit:.4g})")
    truth, guess = truth / unit, guess / unit
    for true, found in zip(truth, guess, strict=True):
        if np.isfinite(true).all() and np.isfinite(found).all():
            put(points, "line", class_="miss", x1=true[0], y1=true[1], x2=found[0], y2=found[1])
    for true, found in zip(truth, guess, strict=True):
        if np.isfinite(true).all():
            put(points, "circle", class_="label-point", cx=true[0], cy=true[1], r=1.5)
        if np.isfinite(found).all():
            cross = f"M{found[0] - 1.4:.1f},{found[1] - 1.4:.1f}l2.8,2.8m0,-2.8l-2.8,2.8"
            put(points, "path", class_="guess-point", d=cross)
    return markup(root)


def _pictures(images: NDArray[np.uint8], rows: Sequence[int], side_px: int) -> Markup:
    root = picture(0, 0, "", class_="store", aria_hidden="true")
    shelf = put(root, "defs")
    for row in rows:
        put(shelf, "image", id=f"picture-{row}", width=side_px, height=side_px, href=_data_uri(images[row]))
    return markup(root)


def _data_uri(image: NDArray[np.uint8]) -> str:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
