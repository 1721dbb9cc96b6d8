"""The chapters of the page, in order: each turns the material into a section, or None where it has nothing to say.

A new figure is a file in ``figures/`` and its line in a chapter here; a new chapter is a function and its line in
:data:`CHAPTERS`.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from markupsafe import Markup

from bench.reporting.board_facts import BoardRow, columns_of
from bench.reporting.board_notes import footnotes, letter_notes, normaliser_notes, race_notes, seed_notes
from bench.reporting.evidence import evidence, keypoint_winners
from bench.reporting.facts import circumstances, latency_settings
from bench.reporting.figures.cumulative import cumulative_figure
from bench.reporting.figures.interval_cell import interval_cells
from bench.reporting.figures.keypoint_faces import keypoint_figure
from bench.reporting.figures.ties import ties_figure
from bench.reporting.figures.tradeoff import latency_figure, parameter_figure
from bench.reporting.figures.training import training_figure
from bench.reporting.markups import markups
from bench.reporting.material import Material
from bench.reporting.search_chapter import search_chapter
from bench.reporting.section import Section, filled
from bench.reporting.tables import FactTable, heat_table

Chapter = Callable[[Material], Section | None]

RANKING_LEAD = (
    "Lower error is better. Two models that share a letter are not told apart by this run, all others are. Choose a "
    "column head to sort. Gates are methods without a network: bars to clear, no candidates."
)


def ranking(material: Material) -> Section:
    """The table of all rows, with the columns that hold something; what ranks comes first."""
    board, rows = material.facts, material.rows
    words = {"normaliser": board.dataset.scheme.normaliser_words}
    shown = [
        (name, column, column.hint.format(**words))
        for name, column in columns_of("page")
        if name == "flags" or any(row.number(name, column) is not None for row in rows)
    ]
    table = markups().ranking(rows, shown, interval_cells(rows), opening(rows), shared_flags)
    notes = [
        *race_notes(board),
        *normaliser_notes(board),
        *letter_notes(board),
        *seed_notes(board),
        *footnotes(board),
    ]
    return Section("ranking", "Ranking", RANKING_LEAD, body=table + markups().notes(notes))


def opening(rows: Sequence[BoardRow]) -> set[int]:
    """Indexes of the rows that are told apart from the one before."""
    return {row.index for before, row in pairwise(rows) if not {*before.letters} & {*row.letters}}


def shared_flags(flags: Sequence[str], words: str = "loses to ") -> str:
    """Flags that begin with the same words in one: ``loses to knn, ridge``."""
    alike = words + ", ".join(flag.removeprefix(words) for flag in flags if flag.startswith(words))
    return "; ".join(dict.fromkeys(alike if flag.startswith(words) else flag for flag in flags))


def ties(material: Material) -> Section | None:
    """Who can be told apart, and what stands behind it."""
    figure = ties_figure(material.rows, material.facts.resolution_floor_px)
    tables = evidence(material.facts, material.ranking) if figure is not None else []
    return filled(Section("ties", "Ties", body=markups().folded(tables, open_first=True)), figure)


def costs(material: Material) -> Section | None:
    """Error against what it costs."""
    section = Section("costs", "Error and its price", body=_folded(latency_settings(material.rows)), label="Costs")
    return filled(section, latency_figure(material.rows), parameter_figure(material.rows))


def keypoints(material: Material) -> Section | None:
    """Where the models miss."""
    board, observations = material.facts, material.observations
    table = heat_table(material.rows, board.dataset.scheme.names)
    body = markups().heat(table) if table is not None else Markup()
    return filled(
        Section("keypoints", "Keypoints", body=body + _folded(keypoint_winners(board))),
        keypoint_figure(material.rows, observations.truth, observations.scheme),
    )


def curves(material: Material) -> Section | None:
    """How many rows are found how well."""
    words = material.facts.dataset.scheme.normaliser_words
    section = Section("curves", "Cumulative error", label="Curves")
    return filled(section, cumulative_figure(material.rows, material.errors.nme, words))


def training(material: Material) -> Section | None:
    """How training went."""
    cells = {model: entry.cells for model, entry in material.selection.entries.items()}
    return filled(Section("training", "Training"), training_figure(material.rows, cells))


def suspects(material: Material) -> Section | None:
    """Rows whose labels are to be looked at."""
    gallery, board = material.gallery, material.facts
    if not gallery.suspects:
        return None
    count = len(board.candidates)
    networks = {1: "the only network", 2: "both networks"}.get(count, f"all {count} networks")
    rows = "1 row has" if gallery.missed_by_all == 1 else f"{gallery.missed_by_all} rows have"
    lead = (
        f"{rows} an NME above 10 % in {networks}. Shown are the rows where even the best network misses most. Where "
        "the networks agree with each other as closely as on other rows, but are much further than usual from the "
        "label, the label is suspect. Rows are counted from 1."
    )
    drawn = " drawn by bench" if board.dataset.synthetic else " of the data"
    note = (
        f"This page holds {gallery.picture_count} pictures{drawn}: mind who may see them before passing it on."
        if gallery.picture_count
        else "Pictures are not embedded: the points are drawn alone. bench report --data FILE embeds the few that are "
        "shown."
    )
    body = markups().legend("median of the networks") + markups().notes([note]) + markups().cards(gallery.suspects)
    return Section("suspects", "Rows that every network misses", lead, body=body, label="Missed by all")


def worst_rows(material: Material) -> Section | None:
    """Where each network is worst."""
    shelves = material.gallery.shelves
    body = markups().legend("prediction, mean over seeds") + markups().shelves(shelves)
    title = "The worst rows of each network"
    return Section("gallery", title, body=body, label="Worst rows") if shelves else None


def tuning(material: Material) -> Section | None:
    """What was searched, and found."""
    return search_chapter(material.search) if material.search is not None else None


def failures(material: Material) -> Section | None:
    """What failed, and why."""
    head = ("model", "fold", "seed", "cause", "reason", "attempts")
    lines = [tuple(str(getattr(failure, name)) for name in head) for failure in material.facts.failed]
    table = FactTable("failed-cells", "Failed cells with their reasons", head, lines)
    body = markups().tables([table], hide=True)
    return Section("failures", "Failed cells", body=body, label="Failures") if lines else None


def surroundings(material: Material) -> Section:
    """Data, protocol, machine and recipes."""
    body = markups().tables(circumstances(material.facts), box="circumstances")
    return Section("circumstances", "Circumstances", body=body)


def _folded(table: FactTable | None) -> Markup:
    return Markup() if table is None else Markup(markups().folded([table]))


CHAPTERS: tuple[Chapter, ...] = (
    ranking,
    ties,
    costs,
    keypoints,
    curves,
    training,
    suspects,
    worst_rows,
    tuning,
    failures,
    surroundings,
)
