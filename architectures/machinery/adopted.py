"""Networks handed over as objects, from a notebook or a script: found by their own name, here and in every process
that is started from here."""

import atexit
import hashlib
import inspect
import os
import platform
import re
import shutil
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from architectures.machinery.errors import ArchitectureError
from architectures.machinery.own import describe
from architectures.machinery.registry import Architecture, registered

if TYPE_CHECKING:
    from torch import nn

VARIABLE = "BENCH_ADOPTED"
"""Environment variable that names the file in which a child process finds what its parent adopted."""

FOLDER = "bench-adopted"
PLAIN = (bool, int, float, str, tuple, list, dict)
Builder = Callable[..., "nn.Module"]
_adopted: dict[str, Builder] = {}


def adopt(target: Builder) -> str:
    """Let a ``torch.nn.Module`` class, or a function that returns a module, be known by its ``__name__``.

    One of the same name that was adopted before is replaced, as a notebook does with a cell that runs again.

    Returns:
        The name, for wherever a model is named.

    Raises:
        ArchitectureError: no builder, one without a name of its own, one of a registered architecture's name, or one
            that cannot be handed to a worker process.
    """
    name = getattr(target, "__name__", "")
    if not re.fullmatch(r"[^\W\d]\w*", name):
        raise ArchitectureError(f"model {target!r}: has no name to stand on a board; define it with `class` or `def`")
    if name in registered():
        raise ArchitectureError(f"model '{name}': bench has an architecture of this name; give yours another")
    describe(name, target, "")
    _write({**_adopted, name: target})
    _adopted[name] = target
    return name


def find(name: str) -> Architecture | None:
    """The architecture adopted under that name, in this process or in the one that started it; None = there is none."""
    if name not in _adopted and VARIABLE in os.environ:
        import cloudpickle

        # Written by our own parent, into a folder that nobody else may enter.
        _adopted.update(cloudpickle.loads(Path(os.environ[VARIABLE]).read_bytes()))
    return describe(name, _adopted[name], "handed over from Python") if name in _adopted else None


def _write(targets: dict[str, Builder]) -> None:
    import cloudpickle

    try:
        content = cloudpickle.dumps(targets)
    except Exception as error:  # whatever the caller's own objects raise
        raise ArchitectureError(
            f"model '{[*targets][-1]}': cannot be handed to a worker process ({type(error).__name__}: {error}); define "
            "it in a file of its own"
        ) from error
    file = _folder() / f"{len(content)}-{os.urandom(4).hex()}.pickle"  # a new one: a child may be reading the last
    file.write_bytes(content)
    os.environ[VARIABLE] = str(file)


@cache
def _folder() -> Path:
    here = hashlib.sha256(platform.node().encode()).hexdigest()[:12]
    _remove_left_behind(f"{FOLDER}-{here}")
    folder = tempfile.mkdtemp(prefix=f"{FOLDER}-{here}-{os.getpid()}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _remove_left_behind(prefix: str) -> None:
    """The folders of processes of this machine that were killed: what they hold is nobody's any more."""
    import psutil

    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}-*"):
        found = re.match(r"-(\d{1,9})-", folder.name.removeprefix(prefix))
        if found is not None and not psutil.pid_exists(int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)  # which follows no link


def sources(target: object) -> list[str]:
    """Sources of a class or function, and of everything in its own module that it reaches; in a stable order.

    Each is Python by itself; plain values (``WIDTH = 32``) stand as what they are. The rest of a cell or script is not
    in it.

    Raises:
        OSError, TypeError: a source cannot be found, as of what was typed into a plain interpreter.
    """
    found: dict[str, str] = {}
    pending: list[tuple[str, Any]] = [(getattr(target, "__name__", ""), target)]
    while pending:
        name, one = pending.pop()
        if name in found:
            continue
        if not isinstance(one, type | FunctionType):
            found[name] = repr((name, one))
            continue
        own = _functions(one)
        bases = one.__bases__ if isinstance(one, type) else ()
        attributes = {key: value for key, value in vars(one).items() if isinstance(value, PLAIN) and key[:2] != "__"}
        head = repr((name, [base.__qualname__ for base in bases], attributes))
        found[name] = "\n".join([head, *(textwrap.dedent(inspect.getsource(function)) for function in own)])
        pending += [(base.__name__, base) for base in bases if base.__module__ == one.__module__]
        pending += [reached for function in own for reached in _reached(function, one.__module__)]
    return [found[name] for name in sorted(found)]


def _functions(one: type | FunctionType) -> list[FunctionType]:
    held = vars(one).values() if isinstance(one, type) else [one]
    plain = (getattr(value, "__func__", getattr(value, "fget", value)) for value in held)  # static methods, properties
    return [value for value in plain if isinstance(value, FunctionType)]


def _reached(function: FunctionType, module: str) -> Iterator[tuple[str, Any]]:
    """Names that a function takes from outside itself: classes and functions of ``module``, and plain values."""
    code = function.__code__
    outside = dict(zip(code.co_freevars, (cell.cell_contents for cell in function.__closure__ or ()), strict=True))
    for name in sorted(_names(code).union(outside)):
        value = outside.get(name, function.__globals__.get(name))
        if isinstance(value, PLAIN) or (isinstance(value, type | FunctionType) and value.__module__ == module):
            yield name, value


def _names(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*map(_names, inner))
