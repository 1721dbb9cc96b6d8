"""Keys: digests over everything that can change a cell's numbers, so that no stale result passes for a fresh one."""

import ast
import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.records.schema import DatasetFacts, ProtocolFacts, VariantFacts

PROJECT_PACKAGES = ("bench", "architectures")


def digest(facts: Any) -> str:
    """Sixteen hex digits over the canonical JSON of ``facts``."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def variant_digest(model: str, variant: VariantFacts) -> str:
    """Names one way of training one model."""
    return digest({"model": model, **variant.model_dump(mode="json", exclude={"tuned"})})


def protocol_digest(dataset: DatasetFacts, protocol: ProtocolFacts) -> str:
    """Names what is ranked together: contents of the data and assignment of rows to folds."""
    return digest({"fingerprint": dataset.fingerprint, "rows": dataset.rows, **protocol.model_dump(mode="json")})


def cell_key(variant: str, protocol: str, fold: int, seed: int) -> str:
    """The key of one cell from the digests above."""
    return digest({"variant": variant, "protocol": protocol, "fold": fold, "seed": seed})


def code_digest(files: Iterable[Path]) -> str:
    """Digest of the sources of ``files`` and of every project module that they import, directly or not.

    Package ``__init__`` files are left out: they register everything and would make each architecture stale
    whenever another one changes.
    """
    sources: dict[str, str] = {}
    pending = [path.resolve() for path in files]
    while pending:
        path = pending.pop()
        if _module_label(path) in sources or path.name == "__init__.py":
            continue
        text = path.read_bytes()
        sources[_module_label(path)] = hashlib.sha256(text).hexdigest()
        pending += [found for found in _project_imports(text, path) if _module_label(found) not in sources]
    return digest(sources)


def _module_label(path: Path) -> str:
    parts = path.with_suffix("").parts
    for package in PROJECT_PACKAGES:
        if package in parts:
            return ".".join(parts[len(parts) - 1 - parts[::-1].index(package) :])
    return path.stem


def _project_imports(source: bytes, path: Path) -> list[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    found = (_source_of(name, path) for name in sorted(names))
    return [file for file in found if file is not None]


def _source_of(name: str, importer: Path) -> Path | None:
    beside = importer.parent / f"{name}.py"  # a user's own file may import its neighbour
    if "." not in name and beside.is_file() and name not in sys.stdlib_module_names:
        return beside.resolve()
    if name.split(".")[0] not in PROJECT_PACKAGES:
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    origin = spec.origin if spec is not None else None
    return Path(origin).resolve() if origin and origin.endswith(".py") and not origin.endswith("__init__.py") else None
