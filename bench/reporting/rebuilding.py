"""Reports from records alone; nothing here loads torch."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from bench.errors import ConfigError
from bench.records.store import RecordStore
from bench.reporting.face_lookup import find_pictures
from bench.reporting.material import Material, collect
from bench.reporting.report_files import FORMATS, write_reports
from bench.reporting.search_chapter import SearchMaterial


def report_from_records(
    out: Path, formats: Collection[str] | None = None, data: Path | None = None, search: SearchMaterial | None = None
) -> tuple[Material, list[Path]]:
    """Rebuild the reports under ``out``; the page's pictures come from ``data``, or from where runs look by default.

    ``search`` is what was tuned there.

    Raises:
        ConfigError: an unknown format.
        DataError: ``data`` cannot be used or is not what the results were made from.
        RecordError: there are no results.
    """
    asked = FORMATS if formats is None else formats
    for name in asked:
        if name not in FORMATS:
            raise ConfigError(f"--format {name}: unknown; choose among {','.join(FORMATS)}")
    material = collect(RecordStore(out))
    faces = find_pictures(material.facts.dataset, data) if "html" in asked else None
    material = replace(material, faces=faces, search=search)
    return material, write_reports(material, asked)
