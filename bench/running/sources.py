"""Whose code decides a cell's numbers, and whether it still says what it said when a record was made."""

import ast
import hashlib
import inspect
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.errors import DataError, ModelError
from bench.records.keys import code_digest, digest, meaning, source_file
from bench.records.schema import Kind, VariantFacts

if TYPE_CHECKING:
    from architectures import Architecture

ROOM = Path(__file__).parent.parent
TRAINER = (ROOM / "training" / "loop.py", ROOM / "running" / "worker.py")
"""What decides a trained cell's numbers besides the architecture's own code; their imports follow."""
GIVEN, UNKNOWN = "given from Python", "unknown"
"""Where the code of a network stands that a notebook or script holds, and of one whose text cannot be found."""
GATE = (ROOM / "gates.py",)
"""What decides the numbers of a gate; its imports follow."""


class NetworkCode(NamedTuple):
    """Digest of everything that decides the numbers of a network, and where its own code stands."""

    code_digest: str
    source: str
    beside: tuple[str, ...] = ()


def network_code(entry: "Architecture") -> NetworkCode:
    """What a network's code says, as far as it was loaded.

    Of a network that a notebook or script defines, the definitions that it reaches there count, not the rest. Where
    these cannot be found, no other process comes to the same digest.

    Raises:
        ModelError: its file is no Python that can be read.
    """
    target = inspect.unwrap(entry.builder)
    if target.__module__ == "__main__":
        return _code_of_main(target)
    file = getattr(sys.modules.get(target.__module__), "__file__", None)
    if file is None:
        raise ModelError(f"model {entry.name}: {target!r} has no source file; define it in a module")
    folder = Path(file).resolve().parent
    beside = tuple(Path(os.path.relpath(other, folder)).as_posix() for other in entry.files if other != Path(file))
    typed = entry.name.rpartition(":")[0]  # of FILE.py:NAME
    try:
        said = code_digest([*TRAINER, Path(file), *entry.files], folder)
        return NetworkCode(said, typed if typed.endswith(".py") else target.__module__, beside)
    except (OSError, SyntaxError) as error:
        raise ModelError(f"model {entry.name}: its source cannot be read ({error}); mend the file") from error


def refuse_changed_code(entry: "Architecture", variant: VariantFacts) -> None:
    """Compare what a network's files hold now, right after it was built from them, with what its key was made from.

    What a notebook or script holds came here as it was.

    Raises:
        DataError: they were changed since the run began.
    """
    given = variant.source in (GIVEN, UNKNOWN) or not variant.code_digest
    if not given and network_code(entry).code_digest != variant.code_digest:
        raise DataError(f"model {entry.name}: its code, or bench's own, was edited since the run began; run again")
    if start_digest(variant.options).get("weights") != variant.versions.get("weights"):
        start = variant.options["weights"]
        raise DataError(
            f"model {entry.name}: {start}, from which it starts, was changed since the run began; run again"
        )


def is_users_own(variant: VariantFacts) -> bool:
    """Whether the code of a network is another's than the project's."""
    return not variant.source.startswith("architectures.")


def start_digest(options: Mapping[str, Any]) -> dict[str, str]:
    """The contents of the file that a training starts from, if any: its name alone would hide a change."""
    start = options.get("weights")
    if not isinstance(start, str) or not Path(start).is_file():
        return {}
    with Path(start).open("rb") as stream:
        return {"weights": hashlib.file_digest(stream, "sha256").hexdigest()[:16]}


def _code_of_main(target: Callable[..., Any]) -> NetworkCode:
    from architectures.machinery.adopted import sources

    try:
        own = [meaning(ast.parse(text)) for text in sources(target)]
    except (OSError, TypeError, SyntaxError):
        return NetworkCode(_unknown_code(target), UNKNOWN)
    return NetworkCode(digest([code_digest(TRAINER), *own]), GIVEN)


@cache
def _unknown_code(target: Callable[..., Any]) -> str:
    del target  # each has a digest of its own
    return secrets.token_hex(8)


def is_of_earlier_code(kind: Kind, variant: VariantFacts) -> bool:
    """Whether the code that made a record said something else than it says now; loads no network, nor torch.

    Where the code is not at hand (a file of another machine, a class of a notebook) nothing can be told: False.
    """
    if kind == "ensemble" or not variant.code_digest:
        return False
    if kind == "gate":
        return variant.code_digest != code_digest(GATE)
    file = source_file(variant.source)
    if file is None:
        return not variant.source
    folder = file.resolve().parent
    beside = [folder / place for place in variant.beside]
    try:
        return variant.code_digest != code_digest([*TRAINER, file, *beside], folder)
    except (OSError, SyntaxError):  # a file that is being edited says something else by all means
        return True
