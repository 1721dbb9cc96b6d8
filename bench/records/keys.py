"""Keys: digests over everything that can change a cell's numbers, so that no stale result passes for a fresh one."""

import ast
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.records.schema import DatasetFacts, ProtocolFacts, VariantFacts
from bench.scheme import SEED_SCHEME

PROJECT_PACKAGES = ("bench", "architectures")
INSTALLED = ("site-packages", "dist-packages")
"""Folders in which other people's libraries stand beside a module: their versions are in the key, not their sources."""


def digest(facts: Any) -> str:
    """Sixteen hex digits over the canonical JSON of ``facts``."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def variant_digest(model: str, variant: VariantFacts) -> str:
    """Names one way of training one model."""
    return digest({"model": model, **variant.model_dump(mode="json", exclude={"tuned"})})


def protocol_digest(dataset: DatasetFacts, protocol: ProtocolFacts) -> str:
    """Names what is ranked together: contents of the data and assignment of rows to folds."""
    facts = {"fingerprint": dataset.fingerprint, "rows": dataset.rows, **protocol.model_dump(mode="json")}
    if dataset.scheme != SEED_SCHEME:
        facts["scheme"] = dataset.scheme.model_dump(mode="json")
    return digest(facts)


def cell_key(variant: str, protocol: str, fold: int, seed: int) -> str:
    """The key of one cell from the digests above."""
    return digest({"variant": variant, "protocol": protocol, "fold": fold, "seed": seed})


def code_digest(files: Iterable[Path]) -> str:
    """Digest of the sources of ``files`` and of every module of the project, or of the user, that they import.

    The project's package ``__init__`` files are left out: they register everything and would make each architecture
    stale whenever another one changes.
    """
    sources: dict[str, str] = {}
    pending = [(path.resolve(), path.resolve().parent) for path in files]
    while pending:
        path, root = pending.pop()
        label = _module_label(path, root)
        if label in sources:
            continue
        text = path.read_bytes()
        sources[label] = hashlib.sha256(text).hexdigest()
        pending += [(found, root) for found in _followed_imports(text, path)]
    return digest(sources)


def _module_label(path: Path, root: Path) -> str:
    """A module's dotted name in the project; for a user's own, its place seen from the folder of the first file."""
    parts = path.with_suffix("").parts
    for package in PROJECT_PACKAGES:
        if package in parts:
            return ".".join(parts[len(parts) - 1 - parts[::-1].index(package) :])
    return Path(os.path.relpath(path.with_suffix(""), root)).as_posix()


def _followed_imports(source: bytes, importer: Path) -> list[Path]:
    names: set[tuple[int, str]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {(0, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = [node.module] if node.module else []
            names |= {
                (node.level, ".".join([*module, *rest])) for rest in ([], *([alias.name] for alias in node.names))
            }
    found = (_source_of(name, level, importer) for level, name in sorted(names))
    return [file for file in found if file is not None]


def _source_of(name: str, level: int, importer: Path) -> Path | None:
    top = name.partition(".")[0]
    if level:
        return _module_file(importer.parents[level - 1], name)
    if top in PROJECT_PACKAGES:
        return _project_source(name)
    if top in sys.stdlib_module_names:
        return None
    # A user's own file may import what stands beside it, and a module of a package the others of its package.
    beside = [] if importer.parent.name in INSTALLED else [importer.parent]
    packages = [one.parent for one in importer.parents if one.name == top and (one / "__init__.py").is_file()]
    return next((file for folder in [*beside, *packages] if (file := _module_file(folder, name))), None)


def _module_file(folder: Path, name: str) -> Path | None:
    place = folder.joinpath(*name.split(".")) if name else folder
    files = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((file.resolve() for file in files if file.is_file()), None)


def _project_source(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    origin = spec.origin if spec is not None else None
    return Path(origin).resolve() if origin and origin.endswith(".py") and not origin.endswith("__init__.py") else None
