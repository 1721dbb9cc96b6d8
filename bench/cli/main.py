"""The ``bench`` command: the one place that turns an error into a message and an exit code."""

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import typer

from bench.cli import commands
from bench.cli.app import EXIT_FAULT, EXIT_INTERRUPTED, EXIT_UNREAD, EXIT_USER, app
from bench.errors import BenchError
from bench.outside_text import printable

__all__ = ["commands", "main"]


@runtime_checkable
class UsageProblem(Protocol):
    """A usage error of click, whether Typer brought its own copy of click (from 0.20 on) or uses the installed one."""

    def format_message(self) -> str:
        """The problem in words."""
        ...


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 some cells failed, 2 the user can mend it, 3 a fault of bench's own,
    130 interrupted, 141 unread.

    Unread: the reader of the output (``| head``) went away before all was said.
    """
    logging.lastResort = _Warnings(logging.WARNING)
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    try:
        code = _guarded([word for word in given if word != "--debug"], debug)
        sys.stdout.flush()
    except BrokenPipeError:
        code = _unread()
    sys.exit(code)


class _Warnings(logging.Handler):
    """Shows warnings; they may quote a file."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line on stderr."""
        sys.stderr.write(f"{printable(self.format(record))}\n")


def _guarded(arguments: list[str], debug: bool) -> int:
    try:
        code = _called(arguments)
    except typer.Exit as done:
        return done.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return _interrupted()
    except BrokenPipeError:
        return _unread()
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):  # click has an exit of its own for it, with code 1
            return _unread()
        return _fail(f"a network, or what it imports, ended the command ({left!r}); take that out of it", EXIT_USER)
    except Exception as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, UsageProblem):
            return _usage(error)
        if isinstance(error, BenchError) or _is_architecture_error(error):
            return _fail(str(error), EXIT_USER)
        if isinstance(error, OSError) and error.strerror and isinstance(error.filename, str | os.PathLike):
            advice = "check the path, its rights and the free space"
            return _fail(f"{os.fspath(error.filename)}: {error.strerror}; {advice}", EXIT_USER)
        return _fail(f"{type(error).__name__}: {error} (an error in bench itself; --debug shows where)", EXIT_FAULT)
    # Typer catches Ctrl-C itself and only returns the code.
    return _interrupted() if code == EXIT_INTERRUPTED else code if isinstance(code, int) else 0


def _called(arguments: list[str]) -> object:
    """Run the command; stdout is afterwards what it was before, wherever a :class:`Screen` turned it to."""
    stdout = sys.stdout
    try:
        return app(args=arguments, prog_name="bench", standalone_mode=False)
    finally:
        sys.stdout = stdout


def _unread() -> int:
    # What is still buffered must go somewhere at exit.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    return EXIT_UNREAD


def _interrupted() -> int:
    return _fail("interrupted; what is recorded stays, run the same command again to go on", EXIT_INTERRUPTED)


def _is_architecture_error(error: Exception) -> bool:
    errors = sys.modules.get("architectures.machinery.errors")
    return errors is not None and isinstance(error, errors.ArchitectureError)


def _usage(error: UsageProblem) -> int:
    message = error.format_message()
    if message.startswith("Usage:"):  # asked for nothing: the help text is the answer
        sys.stderr.write(f"{message}\n")
        return EXIT_USER
    command = getattr(getattr(error, "ctx", None), "command_path", "bench")
    return _fail(f"{message.rstrip('.')}; see `{command} --help`", EXIT_USER)


def _fail(message: str, code: int) -> int:
    line = printable(" ".join(message.split()))
    sys.stderr.write(f"error: {line}\n")
    return code
