"""Reports from records alone; nothing here loads torch."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from bench.errors import ConfigError
from bench.faces.face_set import FaceSet
from bench.records.atomic import write_text
from bench.records.store import RecordStore
from bench.reporting.face_lookup import find_pictures
from bench.reporting.material import Material, collect
from bench.reporting.report_files import FORMATS
from bench.reporting.search_chapter import SearchMaterial


def report_from_records(
    out: Path,
    formats: Collection[str] = tuple(FORMATS),
    data: Path | FaceSet | None = None,
    search: SearchMaterial | None = None,
) -> tuple[Material, list[Path]]:
    """Rebuild the reports under ``out``; each file appears whole or not at all.

    The page's pictures come from ``data``: what a run has read, a file, or where runs look by default. ``search`` is
    what was tuned there.

    Raises:
        ConfigError: an unknown format.
        DataError: ``data`` cannot be used or is not what the results were made from.
        RecordError: there are no results.
    """
    for name in formats:
        if name not in FORMATS:
            raise ConfigError(f"--format {name}: unknown; choose among {','.join(FORMATS)}")
    material = collect(RecordStore(out))
    faces = find_pictures(material.facts.dataset, data) if "html" in formats else None
    material = replace(material, faces=faces, search=search)
    paths = {name: _path(out, name) for name in formats}
    for name, path in paths.items():
        write_text(path, FORMATS[name](material))
    return material, list(paths.values())


def rebuild(out: Path, data: Path | None, search: SearchMaterial | None) -> None:
    """Write those reports anew that stand under ``out``; see :func:`report_from_records`."""
    standing = [name for name in FORMATS if _path(out, name).exists()]
    if standing:
        report_from_records(out, standing, data, search)


def _path(out: Path, name: str) -> Path:
    return out / ("report.html" if name == "html" else f"leaderboard.{name}")
