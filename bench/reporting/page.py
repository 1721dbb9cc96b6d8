"""``report.html``: the leaderboard as one page that needs nothing beside itself."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from bench.errors import DataError
from bench.faces.face_set import FaceSet
from bench.faces.grouping import describe_groups
from bench.faces.keypoints import KEYPOINT_NAMES
from bench.records.atomic import write_text
from bench.reporting.answer import summary_sentences
from bench.reporting.evidence import evidence, keypoint_winners
from bench.reporting.facts import circumstances, latency_settings
from bench.reporting.figures.cumulative import cumulative_figure
from bench.reporting.figures.keypoint_faces import keypoint_figure
from bench.reporting.figures.tie_groups import tie_group_figure
from bench.reporting.figures.tradeoff import latency_figure, parameter_figure
from bench.reporting.figures.training import training_figure
from bench.reporting.gallery import Gallery, make_gallery
from bench.reporting.keypoint_table import head_words, keypoint_lines
from bench.reporting.markdown import footnotes, letter_notes, warnings_of
from bench.reporting.material import Material
from bench.reporting.ranking_table import ranking_table
from bench.reporting.row_errors import row_errors
from bench.reporting.section import Figure, Section
from bench.reporting.subjects import subjects_of

REPORT_NAME = "report.html"
NO_CONTROLS = dict.fromkeys(code for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t")
"""Characters that no page may carry, whatever a model is called."""


def write_page(material: Material, faces: FaceSet | None, path: Path, sections: Sequence[Section] = ()) -> None:
    """Write the page of a leaderboard at ``path``, whole or not at all.

    Args:
        material: what was collected from the store.
        faces: pictures for the gallery; None leaves them out and draws the points alone.
        path: the file.
        sections: further chapters, before the circumstances.

    Raises:
        DataError: the faces are not those of the results.
    """
    write_text(path, render_page(material, faces, sections))


def render_page(material: Material, faces: FaceSet | None, sections: Sequence[Section] = ()) -> str:
    """The page as text; the same material gives the same text.

    Raises:
        DataError: the faces are not those of the results.
    """
    document = material.document
    _refuse_other_faces(document, faces)
    subjects = subjects_of(document["rows"], material.ranking.leading)
    errors = row_errors(material.observations, material.selection.latest.dataset.scheme)
    floor_px = document["resolution_floor_px"]
    gallery = make_gallery(subjects, material.observations, errors, faces)
    style, script = _asset("page.css"), _asset("page.js")
    text = _template().render(
        policy=_policy(style, script),
        style=style,
        script=script,
        document=document,
        warnings=warnings_of(document),
        facts=_headline(document),
        summary=summary_sentences(document, subjects),
        table=ranking_table(subjects),
        footnotes=[*letter_notes(document), *footnotes(document)],
        tie_figures=_present(tie_group_figure(subjects, floor_px)),
        evidence=evidence(document, material.ranking),
        cost_figures=_present(latency_figure(subjects), parameter_figure(subjects)),
        keypoint_figures=_present(keypoint_figure(subjects, material.observations.truth)),
        keypoint_heads=[(name, head_words(name)) for name in KEYPOINT_NAMES],
        keypoint_winners=keypoint_winners(document),
        keypoint_lines=keypoint_lines(subjects),
        curve_figures=_present(cumulative_figure(subjects, errors.nme)),
        training_figures=_present(training_figure(subjects, material.cells)),
        gallery=gallery,
        gallery_note=_gallery_note(gallery, document),
        latency_table=latency_settings(subjects),
        sections=sections,
        circumstances=circumstances(document, subjects),
    )
    return text.translate(NO_CONTROLS)


def _refuse_other_faces(document: Mapping[str, Any], faces: FaceSet | None) -> None:
    wanted = document["dataset"]["fingerprint"]
    if faces is not None and faces.fingerprint != wanted:
        raise DataError(
            f"{faces.name}: fingerprint {faces.fingerprint}, but the results were made from "
            f"{document['dataset']['name']} with fingerprint {wanted}; give that file to --data"
        )


def _present(*figures: Figure | None) -> list[Figure]:
    return [figure for figure in figures if figure is not None]


def _headline(document: Mapping[str, Any]) -> list[str]:
    dataset, protocol = document["dataset"], document["protocol"]
    seeds = protocol["seeds"]
    return [
        f"{dataset['rows']:,} faces",
        describe_groups(dataset["groups"], dataset["grouping"], dataset["people_known"]),
        f"{'1 of ' if protocol['quick'] else ''}{protocol['folds']} folds",
        "1 training seed" if seeds == 1 else f"{seeds} training seeds",
        str(document["generated"])[:10],
    ]


def _gallery_note(gallery: Gallery, document: Mapping[str, Any]) -> str:
    if not gallery.picture_count:
        return (
            "Pictures are not embedded: the points are drawn alone. bench report --data FILE embeds the few "
            "that are shown."
        )
    drawn = " drawn by bench" if document["dataset"]["synthetic"] else " of the data"
    return f"This page holds {gallery.picture_count} pictures{drawn}: mind who may see them before passing it on."


@cache
def _asset(name: str) -> Markup:
    text = resources.files("bench.reporting").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy under which the page runs its own style and script and loads nothing."""
    return (
        f"default-src 'none'; img-src data:; style-src {_hash_source(style)}; script-src {_hash_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("bench.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = breakable
    return environment.get_template("page.html")


def breakable(name: str) -> Markup:
    """An escaped name that may be broken where its words end, ``timm:|vit_|tiny``, in a narrow column."""
    return Markup("<wbr>").join(re.findall(r"[^:_@./-]*[:_@./-]*", name))
