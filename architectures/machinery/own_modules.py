"""Modules of the user's own: what one file runs while it is loaded, kept apart from what another one loads."""

import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import ModuleType

INSTALLED = ("site-packages", "dist-packages")
"""Folders in which other people's libraries stand: their versions are in a key, not their sources."""
OURS = tuple(Path(__file__).parents[2] / name for name in ("architectures", "bench"))
NAMESPACE = "_own_architecture_"
"""Begins the names of the modules that :mod:`own` makes of users' files."""

_run: ContextVar[set[str] | None] = ContextVar("_run", default=None)


@contextmanager
def apart(folder: Path) -> Iterator[set[Path]]:
    """Let a file import what stands in ``folder``, behind everything installed, and note each file of the user's own
    that runs meanwhile, however it was found: beside it, on a path that it adds, by ``importlib`` or ``runpy``.

    The user's modules that are loaded already are set aside meanwhile, and those of this file are forgotten afterwards,
    with the paths that it added: two folders may both hold a ``layers.py``, and what one network loads must not decide
    what another one gets.

    Yields:
        the files, filled when the block ends.
    """
    _hear_of_code_that_runs()
    paths, before, writes = list(sys.path), _own_modules(), sys.dont_write_bytecode
    for name in before:
        del sys.modules[name]
    sys.path.append(str(folder))
    sys.dont_write_bytecode = True  # it knows its source by size and second: an edit in the same second is lost
    names: set[str] = set()
    token = _run.set(names)
    files: set[Path] = set()
    try:
        yield files
    finally:
        _run.reset(token)
        sys.path[:], sys.dont_write_bytecode = paths, writes
        for name in _own_modules():
            del sys.modules[name]
        sys.modules.update(before)
        files |= {Path(name).resolve() for name in map(os.path.abspath, names) if _is_own(name)}


def _own_modules() -> dict[str, ModuleType]:
    """By name; neither bench's, nor what a command or script began with, nor the users' files themselves."""
    return {
        name: module
        for name, module in list(sys.modules.items())
        if name != "__main__" and not name.startswith(NAMESPACE) and _is_own(getattr(module, "__file__", None))
    }


def _is_own(file: str | None) -> bool:
    """Whether a file is Python text, but no part of Python itself, of bench, nor of an installed package."""
    if file is None or not file.endswith(".py") or not Path(file).is_absolute():
        return False
    return not file.startswith(_not_own()) and not set(INSTALLED) & set(Path(file).parts) and Path(file).is_file()


@cache
def _not_own() -> tuple[str, ...]:
    folders = (*OURS, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    return tuple(f"{folder}{os.sep}" for folder in folders)


@cache
def _hear_of_code_that_runs() -> None:
    """Python tells its auditors of each code object that is executed, whatever asked for it (PEP 578)."""

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if event == "exec" and (names := _run.get()) is not None:
            names.add(str(getattr(arguments[0], "co_filename", "")))

    sys.addaudithook(hear)
