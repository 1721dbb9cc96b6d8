"""Bars of a long piece of work: rich's own, which draws on a terminal and in a notebook."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape as escape_markup
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bench.outside_text import printable

if TYPE_CHECKING:
    from bench.running.events import Event
    from bench.running.plan import Cell


class RunBars:
    """Listens to a run: one bar for all missing cells, one for each that is under way."""

    def __init__(self, console: Console, *, drawn: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not drawn,
        )
        self._all = TaskID(0)
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: "Event") -> None:
        """Draw what one event says; nothing before the first cell starts."""
        # Here, for whoever wants a plain bar need not load what trains.
        from bench.running.events import CellEnded, CellStarted, EpochEnded, Looked, Planned

        match event:
            case Planned(missing=missing):
                self._all = self._progress.add_task("all cells", total=len(missing))
            case Looked(cells_left=left):
                done = self._progress.tasks[self._all].completed
                self._progress.update(self._all, total=done + left)
            case CellStarted(cell):
                self._progress.start()
                epochs = cell.task.recipe.epochs if cell.kind == "network" else 1
                self._tasks[cell.key] = self._progress.add_task(escape(label(cell)), total=epochs)
            case EpochEnded(cell, _) if cell.key in self._tasks:
                self._progress.advance(self._tasks[cell.key])
            case CellEnded(cell):
                if cell.key in self._tasks:
                    self._progress.remove_task(self._tasks.pop(cell.key))
                self._progress.advance(self._all)

    def close(self) -> None:
        """Stop drawing and leave the terminal clean."""
        self._progress.stop()


@contextmanager
def steps(console: Console, name: str, total: int | None, *, drawn: bool) -> Iterator[Callable[[], None]]:
    """One bar for ``total`` equal steps (None = nobody knows how many); yields what advances it."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not drawn) as bar:
        task = bar.add_task(escape(name), total=total)
        yield lambda: bar.advance(task)


def watched(wanted: bool | None) -> tuple[Console, bool]:
    """Where bars of a function go, and whether they are drawn there.

    ``wanted`` None draws them where somebody watches: on a terminal, or in a notebook with the widgets that rich needs.
    """
    console = Console(stderr=True, emoji=False)
    able = find_spec("ipywidgets") is not None if console.is_jupyter else console.is_terminal
    return console, able if wanted is None else wanted


def label(cell: "Cell") -> str:
    """A cell in words."""
    return f"{cell.model} fold {cell.fold}" + (f" seed {cell.seed}" if cell.seed else "")


def escape(text: str) -> str:
    """Text that neither rich nor the terminal takes for a command: names and reasons come from other people's files."""
    return escape_markup(printable(text))
