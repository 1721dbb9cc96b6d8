"""``report.html``: the leaderboard as one page that needs nothing beside itself."""

import base64
import hashlib
from collections.abc import Sequence

from bench.errors import DataError
from bench.outside_text import printable
from bench.reporting.answer import answer_sentences
from bench.reporting.board_facts import BoardFacts
from bench.reporting.board_notes import data_text, folds_text, seeds_text, warnings_of
from bench.reporting.chapters import CHAPTERS, Chapter
from bench.reporting.markups import asset, environment
from bench.reporting.material import Material


def render_page(material: Material, chapters: Sequence[Chapter] = CHAPTERS) -> str:
    """The page as text; the same material gives the same text.

    Raises:
        DataError: the faces are not those of the results.
    """
    _refuse_other_faces(material)
    board = material.facts
    style, script = asset("page.css"), asset("page.js")
    sections = [section for chapter in chapters if (section := chapter(material)) is not None]
    text = (
        environment()
        .get_template("page.html")
        .render(
            policy=_policy(style, script),
            style=style,
            script=script,
            name=board.dataset.name,
            normaliser=board.dataset.scheme.normaliser_words,
            pictures=material.gallery.pictures,
            warnings=warnings_of(board),
            facts=_headline(board),
            answer=answer_sentences(board),
            sections=sections,
        )
    )
    return printable(text)


def _refuse_other_faces(material: Material) -> None:
    wanted, faces = material.facts.dataset, material.faces
    if faces is not None and faces.fingerprint != wanted.fingerprint:
        raise DataError(
            f"{faces.name}: fingerprint {faces.fingerprint}, but the results were made from "
            f"{wanted.name} with fingerprint {wanted.fingerprint}; give that file to --data"
        )


def _headline(board: BoardFacts) -> list[str]:
    return [data_text(board), f"{folds_text(board)} folds", seeds_text(board), board.generated[:10]]


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy under which the page runs its own style and script and loads nothing."""
    return (
        f"default-src 'none'; img-src data:; style-src {_hash_source(style)}; script-src {_hash_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
