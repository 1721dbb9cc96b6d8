"""Architectures that stand outside this repository: in a file that the user names, or in an installed package."""

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from architectures.machinery.errors import ArchitectureError
from architectures.machinery.names import OWN_FILE
from architectures.machinery.own_modules import NAMESPACE, apart
from architectures.machinery.registry import USUAL, Architecture

if TYPE_CHECKING:
    from torch import nn


class LoadError(ArchitectureError):
    """A user's file or package cannot be loaded."""


def from_file(reference: str) -> Architecture:
    """Load ``FILE.py:NAME``: a ``torch.nn.Module`` class, or a function that returns a module.

    The file runs, since the user named it; nothing else in its folder does unless it imports it. Its module
    gets a name of its own, so that two files may both be called ``net.py``.

    Raises:
        ArchitectureError: no such file or name, the file raises, or NAME is no builder.
    """
    match = OWN_FILE.match(reference)
    if match is None:
        raise ArchitectureError(f"model '{reference}': which class of that file? write {reference}:NAME")
    path, name = Path(match["file"]), match["name"]
    if not path.is_file():
        raise ArchitectureError(f"model '{reference}': no file {path}; `bench new my_net` writes one to start from")
    loaded = _load(path.resolve())
    module = loaded.module
    target = vars(module).get(name)
    if target is None:
        raise ArchitectureError(
            f"model '{reference}': {path.name} has no '{name}'; it has {', '.join(_builders(module)) or 'no builder'}"
        )
    if getattr(target, "__module__", None) != module.__name__:
        raise ArchitectureError(f"model '{reference}': '{name}' is only imported there; name the file that defines it")
    return replace(describe(reference, target, f"own network in {path.name}"), files=tuple(sorted(loaded.written)))


def from_entry_point(name: str, point: EntryPoint, owner: str) -> Architecture:
    """Load an installed package's architecture: an :class:`Architecture`, a module class or a builder function.

    Raises:
        LoadError: the package cannot be imported.
        ArchitectureError: what it names is no architecture.
    """
    try:
        target = point.load()
    except Exception as error:
        raise LoadError(
            f"model '{name}': package {owner} cannot be loaded ({type(error).__name__}: {error}); mend or uninstall it"
        ) from error
    if isinstance(target, Architecture):
        if target.name != name:
            raise ArchitectureError(f"model '{name}': package {owner} calls it '{target.name}' inside; use one name")
        return target
    return describe(name, target, f"from the package {owner}")


def describe(name: str, target: object, summary: str) -> Architecture:
    """The registry entry of a class or function, which may bring ``recipe``, ``space`` and ``source`` as attributes.

    Raises:
        ArchitectureError: not a builder, or one that needs arguments without defaults.
    """
    if not callable(target):
        raise ArchitectureError(f"model '{name}': expected a torch.nn.Module class or a function, found {target!r}")
    documented = (target.__doc__ or "").strip().splitlines()
    return Architecture(
        name=name,
        builder=_keyword_builder(name, target),
        summary=documented[0] if documented else summary,
        family="own",
        source=str(getattr(target, "source", "")),
        recipe=_plain(name, target, "recipe"),
        space=_plain(name, target, "space"),
    )


def _keyword_builder(name: str, target: Callable[..., Any]) -> Callable[..., "nn.Module"]:
    """``target`` behind a keyword-only signature; ``__wrapped__`` leads to its source file."""
    parameters = []
    for parameter in inspect.signature(target).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.default is parameter.empty and parameter.name not in USUAL:
            raise ArchitectureError(f"model '{name}': parameter '{parameter.name}' needs a default value")
        parameters.append(parameter.replace(kind=parameter.KEYWORD_ONLY))

    def builder(**options: object) -> "nn.Module":
        from torch import nn

        module = target(**options)
        if not isinstance(module, nn.Module):
            raise ArchitectureError(f"model '{name}': made a {type(module).__name__}, expected a torch.nn.Module")
        return module

    builder.__wrapped__ = target  # type: ignore[attr-defined]
    builder.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return builder


def _plain(name: str, target: object, attribute: str) -> dict[str, Any]:
    found = getattr(target, attribute, {})
    if not isinstance(found, dict):
        raise ArchitectureError(f"model '{name}': its '{attribute}' is {type(found).__name__}, expected a dict")
    return dict(found)


@dataclass(frozen=True)
class _Loaded:
    """A user's file that ran, with every file of the user's own that ran with it, as they were."""

    module: ModuleType
    written: Mapping[Path, int | None]


_LOADED: dict[Path, _Loaded] = {}
"""A file runs once in a process, and again when it or what it ran was edited."""


def _load(path: Path) -> _Loaded:
    known = _LOADED.get(path)
    if known is None or known.written != _times(known.written):
        known = _LOADED[path] = _run(path)
    return known


def _times(files: Iterable[Path]) -> dict[Path, int | None]:
    return {file: file.stat().st_mtime_ns if file.is_file() else None for file in files}


def _run(path: Path) -> _Loaded:
    label = f"{NAMESPACE}{hashlib.sha256(str(path).encode()).hexdigest()[:12]}_{path.stem}"
    loader = _SourceLoader(label, str(path))
    spec = importlib.util.spec_from_file_location(label, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[label] = module  # dataclasses and inspect look their module up there
    try:
        with apart(path.parent) as files:
            loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[label]
        raise LoadError(f"{path.name}: cannot be loaded ({type(error).__name__}: {error}); mend the file") from error
    return _Loaded(module, _times({path, *files}))


class _SourceLoader(SourceFileLoader):
    """Always compiles the source: no stale bytecode is taken, none is written into the user's folder."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        """The file's code object."""
        return self.source_to_code(self.get_data(self.path), self.path)


def _builders(module: ModuleType) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    ]
