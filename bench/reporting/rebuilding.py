"""Reports from records alone; nothing here loads torch."""

from collections.abc import Collection
from pathlib import Path

from bench.errors import ConfigError
from bench.records.store import RecordStore
from bench.reporting.material import Material, collect
from bench.reporting.pictures import find_pictures
from bench.reporting.section import Section
from bench.reporting.writing import FORMATS, write_reports


def report_from_records(
    out: Path, formats: Collection[str] = FORMATS, data: Path | None = None, storage: str | None = None
) -> tuple[Material, list[Path]]:
    """Rebuild the reports under ``out``; the page's pictures come from ``data``, or from where runs look by default.

    ``storage`` is the database of the tuning studies, if they are not in their journal.

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
    return material, write_reports(
        material, formats, faces, further_sections(out, storage) if "html" in formats else ()
    )


def further_sections(out: Path, storage: str | None = None) -> list[Section]:
    """Chapters of the page that other rooms write; what is not there costs no import.

    Args:
        out: the results folder.
        storage: the database of the tuning studies, if they are not in their journal.
    """
    if not any((out / "tuning").glob("*.json")):
        return []
    from bench.tuning.section import tuning_section

    section = tuning_section(out, storage)
    return [section] if section is not None else []
