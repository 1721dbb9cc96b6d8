"""Keys: digests over everything that can change a cell's numbers, so that no stale result passes for a fresh one."""

import ast
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.records.schema import DatasetFacts, ProtocolFacts, VariantFacts
from bench.scheme import SEED_SCHEME

PROJECT = Path(__file__).parents[2]
PROJECT_PACKAGES = ("bench", "architectures")
DECIDING = (
    "architectures",
    "bench.config.recipe",
    "bench.faces.thumbnails",
    "bench.running",
    "bench.scheme",
    "bench.training",
)
"""Where imports of bench itself are followed. Nothing else of it decides a cell's numbers without being named in the
key: data and folds are there by their digests, and what measures or stores changes nothing."""
INSTALLED = ("site-packages", "dist-packages")
"""Folders in which other people's libraries stand beside a module: their versions are in the key, not their sources."""


def digest(facts: Any) -> str:
    """Sixteen hex digits over the canonical JSON of ``facts``."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def variant_digest(model: str, variant: VariantFacts) -> str:
    """Names one way of training one model."""
    later = {"scheme": SEED_SCHEME, "predict_precision": "float32"}  # fields that enter where they are not the default
    left_out = {
        "tuned",
        "source",
        "beside",
        *(name for name, default in later.items() if getattr(variant, name) == default),
    }
    return digest({"model": model, **variant.model_dump(mode="json", exclude=left_out)})


def protocol_digest(dataset: DatasetFacts, protocol: ProtocolFacts) -> str:
    """Names what is ranked together: contents of the data and assignment of rows to folds."""
    facts = {"fingerprint": dataset.fingerprint, "rows": dataset.rows, **protocol.model_dump(mode="json")}
    if dataset.scheme != SEED_SCHEME:
        facts["scheme"] = dataset.scheme.model_dump(mode="json")
    return digest(facts)


def cell_key(variant: str, protocol: str, fold: int, seed: int, kernels: str) -> str:
    """The key of one cell from the digests above, and from what the processor computes with."""
    return digest({"variant": variant, "protocol": protocol, "fold": fold, "seed": seed, "kernels": kernels})


def code_digest(files: Iterable[Path], root: Path = PROJECT) -> str:
    """Digest of what ``files`` say, and every module of the project, or of the user, that they import.

    The user's go in by their places seen from ``root``, the folder of the network's own file.

    It is of the syntax trees: comments, docstrings and layout decide nothing. The project's package ``__init__`` files
    are left out: they register everything and would make each architecture stale whenever another one changes.

    Raises:
        OSError: a file cannot be read.
        SyntaxError: it is no Python.
    """
    sources: dict[str, str] = {}
    seen: set[Path] = set()
    pending = [path.resolve() for path in files]
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        label = _module_label(path, root)
        if label in sources:  # a user's folder may be called bench, too
            label = os.path.relpath(path, root)
        sources[label], imported = _read_module(path, path.stat().st_mtime_ns)
        pending += imported
    return digest(sources)


def source_file(place: str) -> Path | None:
    """The file of a module ``package.module``, or ``FILE.py`` itself; None where there is none. Nothing is imported."""
    if place.endswith(".py"):
        return Path(place) if Path(place).is_file() else None
    return next((file for folder in (PROJECT, *map(Path, sys.path)) if (file := _module_file(folder, place))), None)


@lru_cache(maxsize=1024)
def _read_module(path: Path, modified_ns: int) -> tuple[str, tuple[Path, ...]]:
    """Digest of a module's meaning, and the files of what it imports."""
    del modified_ns  # only a part of the cache's key: a changed file is read again
    tree = ast.parse(path.read_bytes())
    return digest(meaning(tree)), tuple(_followed_imports(tree, path))


def meaning(node: object) -> str:
    """A syntax tree as text, without docstrings, and without the empty fields that differ between Python's versions."""
    if isinstance(node, ast.AST):
        fields = (f"{name}={meaning(value)}" for name, value in ast.iter_fields(node) if value not in (None, []))
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(meaning(one) for one in node if not _is_remark(one))}]"
    return repr(node)


def _is_remark(node: object) -> bool:
    """Whether a statement is only a text: a docstring, of whatever."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _module_label(path: Path, root: Path) -> str:
    """A module's dotted name in the project; for a user's own, its place seen from ``root``."""
    parts = path.with_suffix("").parts
    for package in PROJECT_PACKAGES:
        if package in parts:
            return ".".join(parts[len(parts) - 1 - parts[::-1].index(package) :])
    return Path(os.path.relpath(path.with_suffix(""), root)).as_posix()


def _followed_imports(tree: ast.Module, importer: Path) -> list[Path]:
    found = (_source_of(name, level, importer) for level, name in sorted({*_imports(tree)}))
    return [file for file in found if file is not None]


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Level and name of everything that is imported, from a module or a package: what is taken may be a module too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield node.level, module
            yield from ((node.level, f"{module}.{alias.name}".strip(".")) for alias in node.names)


def _source_of(name: str, level: int, importer: Path) -> Path | None:
    top = name.partition(".")[0]
    if level:
        return _module_file(importer.parents[level - 1], name)
    if top in PROJECT_PACKAGES:
        by_bench = PROJECT / "bench" in importer.parents
        file = _module_file(PROJECT, name) if not by_bench or name.startswith(DECIDING) else None
        return file if file is not None and file.name != "__init__.py" else None
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
