"""Writes the reports of one ``--out`` folder from its records."""

import csv
import io
import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from bench.faces.face_set import FaceSet
from bench.records.atomic import write_text
from bench.reporting.markdown import leaderboard_markdown
from bench.reporting.material import Material
from bench.reporting.page import REPORT_NAME, write_page
from bench.reporting.section import Section

FORMATS = ("md", "json", "csv", "html")

Writer = Callable[[Material], str]


def write_reports(
    material: Material,
    formats: Collection[str] = FORMATS,
    faces: FaceSet | None = None,
    sections: Sequence[Section] = (),
) -> list[Path]:
    """Write the asked formats; each file appears whole or not at all. Returns their paths.

    Args:
        material: what was collected from the store.
        formats: of ``FORMATS``.
        faces: pictures for the page's gallery; None leaves them out.
        sections: further chapters of the page.
    """
    paths = []
    for name in formats:
        path = material.out / (REPORT_NAME if name == "html" else f"leaderboard.{name}")
        if name == "html":
            write_page(material, faces, path, sections)
        else:
            write_text(path, WRITERS[name](material))
        paths.append(path)
    return paths


def _json(material: Material) -> str:
    return json.dumps(material.document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _markdown(material: Material) -> str:
    return leaderboard_markdown(material.document)


def _csv(material: Material) -> str:
    """One line per row; lists and tables inside a row are flattened to ``name.key`` columns."""
    flat = [_flatten(row) for row in material.document["rows"]]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return stream.getvalue()


def _flatten(row: dict[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in row.items():
        if name == "latencies":
            continue  # a list of settings has no place in one line; leaderboard.json has it
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        elif name == "rmse_px_ci95":
            low, high = value if isinstance(value, list) else (None, None)
            flat |= {f"{name}.low": low, f"{name}.high": high}
        else:
            flat[name] = "; ".join(map(str, value)) if isinstance(value, list) else value
    return flat


WRITERS: dict[str, Writer] = {"md": _markdown, "json": _json, "csv": _csv}
