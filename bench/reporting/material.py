"""Everything that a report is drawn from, collected once from the store."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench.comparing import collecting
from bench.comparing.collecting import Collected
from bench.faces.face_set import FaceSet
from bench.records.store import RecordStore
from bench.reporting.board_facts import BoardFacts, BoardRow
from bench.reporting.gallery import Gallery, make_gallery
from bench.reporting.leaderboard import make_board
from bench.reporting.row_errors import RowErrors, row_errors
from bench.reporting.search_chapter import SearchMaterial


@dataclass(frozen=True)
class Material(Collected):
    """What was collected, and what a report makes of it.

    Attributes:
        errors: of every row.
        facts: the board's rows and what surrounds them.
        faces: pictures for the page's gallery; None leaves them out and draws the points alone.
        search: what was tuned under the folder.
    """

    errors: RowErrors
    facts: BoardFacts
    faces: FaceSet | None = None
    search: SearchMaterial | None = None

    @cached_property
    def document(self) -> dict[str, Any]:
        """The content of ``leaderboard.json``."""
        return self.facts.document()

    @cached_property
    def gallery(self) -> Gallery:
        """The rows that were missed, drawn."""
        return make_gallery(self.rows, self.observations, self.errors, self.faces)

    @property
    def rows(self) -> tuple[BoardRow, ...]:
        """The rows of the board."""
        return self.facts.rows


def collect(store: RecordStore) -> Material:
    """Read the store and derive the leaderboard.

    Raises:
        RecordError: there are no results, or the labels behind them are missing.
    """
    collected = collecting.collect(store)
    errors = row_errors(collected.observations)
    return Material(**vars(collected), errors=errors, facts=make_board(collected, errors, store.verifications()))
