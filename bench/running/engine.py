"""The interface between a run and whoever executes its cells: local processes first, a cluster later.

An engine takes cells and gives back outcomes, in any order. It knows nothing of records: the session that drives it
stores each outcome the moment it arrives.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from bench.records.schema import CurvePoint
from bench.running.plan import Cell
from bench.running.task import FoldOutcome


class Listener(Protocol):
    """Told what happens; calls come one at a time."""

    def cell_started(self, cell: Cell) -> bool:
        """A worker takes up a cell; False says that it is no longer wanted (another run has done it)."""
        ...

    def epoch_ended(self, cell: Cell, point: CurvePoint) -> None:
        """One epoch of a cell is over."""
        ...

    def cell_ended(self, cell: Cell, outcome: FoldOutcome, attempts: int) -> None:
        """A cell is over, well or badly."""
        ...


Engine = Callable[[Sequence[Cell], Listener], None]
"""Executes all cells and returns when each has ended; raises only what a listener raised, or KeyboardInterrupt."""
