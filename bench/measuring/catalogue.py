"""The registry with its costs, for ``bench models``: counted once per version of the sources, then remembered."""

import contextlib
import json
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from bench.errors import ModelError
from bench.records.atomic import write_text
from bench.records.cache_folder import cache_folder
from bench.records.keys import PROJECT, digest
from bench.scheme import SEED_SCHEME, Scheme

if TYPE_CHECKING:
    from architectures import Architecture


@dataclass(frozen=True)
class CatalogueEntry:
    """One line of ``bench models``; parameters and MACs at one scheme with default options.

    ``status`` is ``refused``, with the ``reason`` and without costs, for a network that cannot run.
    """

    name: str
    family: str
    summary: str
    source: str
    parameters: int | None = None
    macs: int | None = None
    status: Literal["ok", "refused"] = "ok"
    reason: str | None = None


def catalogue(scheme: Scheme = SEED_SCHEME) -> list[CatalogueEntry]:
    """Every architecture that has a short name, with its costs: ours, then those of installed packages.

    Counting needs torch and takes seconds; the answer for ours is kept in the user's cache folder under a digest of
    all sources in ``architectures/``, of the frame and of the torch and timm versions. Those of packages are counted
    every time.

    Raises:
        ArchitectureError: two architectures of one name.
    """
    import architectures

    packaged = [entry for name, entry in architectures.available().items() if name not in architectures.registered()]
    return [*_ours(scheme), *(counted(entry, scheme) for entry in packaged)]


def _ours(scheme: Scheme) -> list[CatalogueEntry]:
    path = cache_folder() / f"catalogue-{_sources_digest(scheme)}.json"
    with contextlib.suppress(OSError, ValueError, TypeError):  # not counted yet, or damaged
        return [CatalogueEntry(**entry) for entry in json.loads(path.read_bytes())]
    import architectures

    entries = [counted(entry, scheme) for entry in architectures.registered().values()]
    with contextlib.suppress(OSError):  # a folder that cannot be written only costs time
        write_text(path, json.dumps([asdict(entry) for entry in entries]))
    return entries


def counted(entry: "Architecture", scheme: Scheme = SEED_SCHEME) -> CatalogueEntry:
    """An architecture with its costs, or with the reason why it cannot run on such pictures."""
    from architectures import ArchitectureError
    from bench.measuring.cost import count_cost

    line = CatalogueEntry(entry.name, entry.family, entry.summary, entry.source)
    try:
        cost = count_cost(entry.name, {}, scheme)
    except (ArchitectureError, ModelError) as error:
        return replace(line, status="refused", reason=str(error).removeprefix(f"model {entry.name}: "))
    except Exception as error:  # whatever a third party's builder raises
        reason = " ".join(str(error).split())[:160]
        return replace(line, status="refused", reason=f"cannot be built ({type(error).__name__}: {reason})")
    return replace(line, parameters=cost.parameters, macs=cost.macs)


def _sources_digest(scheme: Scheme) -> str:
    sources = {path.name: path.read_text() for path in sorted((PROJECT / "architectures").rglob("*.py"))}
    return digest([sources, scheme.dimensions, version("torch"), version("timm")])
