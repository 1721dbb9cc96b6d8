"""Reports from records alone; nothing here loads torch."""

from collections.abc import Collection
from pathlib import Path

from bench.errors import ConfigError
from bench.records.store import RecordStore
from bench.reporting.face_lookup import find_pictures
from bench.reporting.material import Material, collect
from bench.reporting.report_files import FORMATS, write_reports
from bench.reporting.search_chapter import SearchMaterial, search_chapter
from bench.reporting.section import Section


def report_from_records(
    out: Path, formats: Collection[str] = FORMATS, data: Path | None = None, search: SearchMaterial | None = None
) -> tuple[Material, list[Path]]:
    """Rebuild the reports under ``out``; the page's pictures come from ``data``, or from where runs look by default.

    ``search`` is what was tuned there.

    Raises:
        ConfigError: an unknown format.
        DataError: ``data`` cannot be used or is not what the results were made from.
        RecordError: there are no results.
    """
    for name in formats:
        if name not in FORMATS:
            raise ConfigError(f"--format {name}: unknown; choose among {','.join(FORMATS)}")
    material = collect(RecordStore(out))
    faces = find_pictures(material.document["dataset"], data) if "html" in formats else None
    return material, write_reports(material, formats, faces, further_sections(search))


def further_sections(search: SearchMaterial | None) -> list[Section]:
    """Chapters of the page beside those of every run."""
    section = search_chapter(search) if search is not None else None
    return [section] if section is not None else []
