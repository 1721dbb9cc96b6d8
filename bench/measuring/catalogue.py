"""The registry with its costs, for ``bench models``: counted once per version of the sources, then remembered."""

import contextlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.cache_folder import cache_folder
from bench.records.atomic import write_text
from bench.records.keys import digest

ARCHITECTURES = Path(__file__).parent.parent.parent / "architectures"


@dataclass(frozen=True)
class CatalogueEntry:
    """One line of ``bench models``; parameters and MACs at 1x96x96 with default options."""

    name: str
    family: str
    summary: str
    source: str
    parameters: int
    macs: int

    def as_json(self) -> dict[str, Any]:
        """The entry as ``bench models --json`` prints it."""
        return asdict(self)


def catalogue() -> list[CatalogueEntry]:
    """Every registered architecture with its costs.

    Counting needs torch and takes seconds; the answer is kept in the user's cache folder under a digest of all
    sources in ``architectures/`` and of the torch and timm versions.
    """
    path = cache_folder() / f"catalogue-{_sources_digest()}.json"
    remembered = _read(path)
    if remembered is not None:
        return remembered
    entries = _count()
    with contextlib.suppress(OSError):  # a folder that cannot be written only costs time
        write_text(path, json.dumps([entry.as_json() for entry in entries]))
    return entries


def _sources_digest() -> str:
    sources = {path.name: path.read_text() for path in sorted(ARCHITECTURES.glob("*.py"))}
    return digest([sources, version("torch"), version("timm")])


def _read(path: Path) -> list[CatalogueEntry] | None:
    try:
        return [CatalogueEntry(**entry) for entry in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError):
        return None


def _count() -> list[CatalogueEntry]:
    import architectures
    from bench.measuring.cost import count_cost

    entries = []
    for name, entry in architectures.registered().items():
        cost = count_cost(name, {})
        entries.append(CatalogueEntry(name, entry.family, entry.summary, entry.source, cost.parameters, cost.macs))
    return entries
