"""Tables, notes and errors on the terminal."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from bench.outside_text import escaped_json
from bench.progress import escape, steps


class _Console(Console):
    """Rich's console, but a reader of the output that went away is for the command to handle."""

    def on_broken_pipe(self) -> None:
        """Pass the BrokenPipeError under way on; rich would exit with 1 from wherever it is, a worker's thread too."""
        raise  # noqa: PLE0704


def _apart(stdout: TextIO) -> TextIO:
    """The process's stdout for results alone: whatever writes to its file descriptor from now on reaches stderr."""
    if stdout is not sys.__stdout__:  # somebody's own, in the same process
        return stdout
    stdout.flush()
    results = os.fdopen(os.dup(stdout.fileno()), "w", encoding=stdout.encoding, errors=stdout.errors)
    os.dup2(sys.stderr.fileno(), stdout.fileno())
    return results


class Screen:
    """What a command shows a person.

    Results go to stdout and nothing else does: progress, notes and warnings go to stderr, and so does, until the
    command ends, what an architecture prints while it is loaded, built or run. With ``as_json`` the result is the one
    document given to :meth:`result_json`.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._results = _apart(sys.stdout)
        self.out = _Console(file=self._results, highlight=False, emoji=False, soft_wrap=True)
        self.err = _Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
        sys.stdout = sys.stderr

    @property
    def live(self) -> bool:
        """Whether bars may be drawn: stderr is a terminal."""
        return self.err.is_terminal

    def note(self, text: str) -> None:
        """A line of information, on stderr."""
        self.err.print(escape(text))

    def warn(self, text: str) -> None:
        """A warning line, on stderr."""
        self.err.print(f"[yellow]warning:[/yellow] {escape(text)}")

    def say(self, text: str) -> None:
        """A line of the result, on stdout; dropped when the result is JSON."""
        if not self.as_json:
            self.out.print(escape(text))

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        text_columns: int = 1,
        last_is_text: bool = False,
    ) -> None:
        """A table on stdout; the first ``text_columns`` columns are text, the others are aligned as numbers."""
        if self.as_json:
            return
        table = Table(title=escape(title) if title else None, title_justify="left")
        last = len(columns) - 1
        for position, column in enumerate(columns):
            is_text = position < text_columns or (last_is_text and position == last)
            table.add_column(escape(column), justify="left" if is_text else "right")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        console = (
            self.out if self.out.is_terminal else _Console(file=self._results, highlight=False, emoji=False, width=400)
        )
        console.print(table)

    def progress(self, label: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """One bar on stderr for ``total`` equal steps, where stderr is a terminal; yields what advances it."""
        return steps(self.err, label, total, drawn=self.live)

    def result_json(self, document: Any) -> None:
        """The JSON result, on stdout; only when asked for."""
        if self.as_json:
            self._results.write(escaped_json(document, indent=1, ascii_only=True) + "\n")
            self._results.flush()
