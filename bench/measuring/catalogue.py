"""The registry with its costs, for ``bench models``: counted once per version of the sources, then remembered."""

import contextlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.errors import ModelError
from bench.records.atomic import write_text
from bench.records.cache_folder import cache_folder
from bench.records.keys import digest

if TYPE_CHECKING:
    from architectures import Architecture

ARCHITECTURES = Path(__file__).parent.parent.parent / "architectures"


@dataclass(frozen=True)
class CatalogueEntry:
    """One line of ``bench models``; parameters and MACs at 1x96x96 with default options.

    ``status`` is ``refused``, with the ``reason`` and without costs, for a package's network that cannot run.
    """

    name: str
    family: str
    summary: str
    source: str
    parameters: int | None
    macs: int | None
    status: Literal["ok", "refused"] = "ok"
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The entry as ``bench models --json`` prints it."""
        return asdict(self)


def catalogue() -> list[CatalogueEntry]:
    """Every architecture that has a short name, with its costs: ours, then those of installed packages.

    Counting needs torch and takes seconds; the answer for ours is kept in the user's cache folder under a digest of
    all sources in ``architectures/`` and of the torch and timm versions. Those of packages are counted every time.

    Raises:
        ArchitectureError: two architectures of one name.
    """
    import architectures

    packaged = [entry for name, entry in architectures.available().items() if name not in architectures.registered()]
    return [*_ours(), *(_packaged_entry(entry) for entry in packaged)]


def _ours() -> list[CatalogueEntry]:
    path = cache_folder() / f"catalogue-{_sources_digest()}.json"
    remembered = _read(path)
    if remembered is not None:
        return remembered
    import architectures

    entries = [_counted(entry) for entry in architectures.registered().values()]
    with contextlib.suppress(OSError):  # a folder that cannot be written only costs time
        write_text(path, json.dumps([entry.as_json() for entry in entries]))
    return entries


def _packaged_entry(entry: "Architecture") -> CatalogueEntry:
    from architectures import ArchitectureError

    try:
        return _counted(entry)
    except (ArchitectureError, ModelError) as error:
        return CatalogueEntry(entry.name, entry.family, entry.summary, entry.source, None, None, "refused", str(error))


def _counted(entry: "Architecture") -> CatalogueEntry:
    from bench.measuring.cost import count_cost

    cost = count_cost(entry.name, {})
    return CatalogueEntry(entry.name, entry.family, entry.summary, entry.source, cost.parameters, cost.macs)


def _sources_digest() -> str:
    sources = {path.name: path.read_text() for path in sorted(ARCHITECTURES.rglob("*.py"))}
    return digest([sources, version("torch"), version("timm")])


def _read(path: Path) -> list[CatalogueEntry] | None:
    try:
        return [CatalogueEntry(**entry) for entry in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError):
        return None
