"""What a race trains next: recorded results in, cells out, look by look, within a budget where there is one."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.comparing.race import Layout, Place, Runner, Standing, race
from bench.comparing.selection import observe, select
from bench.records.schema import AskedRecord, CellRecord
from bench.records.store import RecordStore
from bench.running.events import Budgeted, Event, Looked
from bench.running.plan import Cell, Plan
from bench.running.probe import total_seconds

LATENCY_SECONDS_EACH = 40.0
"""What a budget keeps back for measuring one network after training."""
FINISHED_FIRST = 2
"""As many networks can always be finished before time is spent on more of the others: the best, and one beside it."""


@dataclass
class Race:
    """The allocator of a race. It stores nothing but which networks its budget has no time for.

    Attributes:
        plan, store: of the run.
        missing: the cells that are to be trained, if their networks stay in.
        asked: by network, what was asked for.
        cell_seconds: by network, what one cell takes; an unknown one costs nothing until it was trained.
        workers: how many cells run side by side.
        ends: when no training may begin any more, on the clock of ``time.monotonic``; None = no budget.
        on_event: is told how the race stands.
    """

    plan: Plan
    store: RecordStore
    missing: Sequence[Cell]
    asked: dict[str, AskedRecord]
    cell_seconds: dict[str, float]
    workers: int
    ends: float | None
    on_event: Callable[[Event], None]
    _given: set[str] = field(default_factory=set)

    def rounds(self, written: Mapping[str, CellRecord]) -> Iterator[list[Cell]]:
        """The cells to train next, longest first, until the race is over. Gates come at the start.

        Args:
            written: by its key, what came of each cell that was trained; read when the next round is asked for.
        """
        gates = [cell for cell in self.missing if cell.kind == "gate"]
        while True:
            self._learn(written)
            standing = self._paid(self.standing())
            if standing.looks or standing.next is None:
                self.on_event(Looked(standing, len(self.layout.places), len(self._cells(standing.still_in))))
            cells = self._cells(standing.still_in, standing.next)
            if not (cells or gates):
                return
            self._given |= {cell.key for cell in cells}
            yield [*gates, *sorted(cells, key=self._seconds, reverse=True)]
            gates = []

    def standing(self) -> Standing:
        """How the race stands by what is recorded."""
        selection, observations = observe(self.store, select(self.store))
        runners = {model: Runner.of(selection.entries[model], self._pending(model)) for model in self.asked}
        return race(observations, runners, self.layout)

    @property
    def layout(self) -> Layout:
        """How long the race may get."""
        protocol = self.plan.protocol
        return Layout(1 if protocol.quick else protocol.folds, self.plan.seeds)

    def _pending(self, model: str) -> list[Place]:
        return [(cell.seed, cell.fold) for cell in self._cells([model])]

    def _cells(self, models: Sequence[str], place: Place | None = None) -> list[Cell]:
        """What these networks lack, of one look or of all, and was not given out yet."""
        return [
            cell
            for cell in self.missing
            if cell.model in models and cell.key not in self._given and place in (None, (cell.seed, cell.fold))
        ]

    def _seconds(self, cell: Cell) -> float:
        return self.cell_seconds.get(cell.model, 0.0)

    def _learn(self, written: Mapping[str, CellRecord]) -> None:
        """Real cells know better than a probe what a cell takes."""
        spent: dict[str, list[float]] = {}
        for record in written.values():
            if record.kind == "network" and record.train_seconds is not None:
                spent.setdefault(record.model, []).append(record.train_seconds)
        self.cell_seconds |= {model: sum(seconds) / len(seconds) for model, seconds in spent.items()}

    def _paid(self, standing: Standing) -> Standing:
        """The same, less those for which there is no time; that is noted with what was asked for."""
        if self.ends is None or standing.next is None:
            return standing
        left_s = max(self.ends - time.monotonic(), 0.0)
        by_worth = list(standing.still_in)
        if not standing.looks:  # nothing is known yet: the cheap ones, for then there are more of them
            by_worth.sort(key=lambda model: self.cell_seconds.get(model, 0.0))
        unpaid = by_worth[self._affordable(by_worth, standing, left_s) :]
        if not self._given:
            self._announce(left_s, unpaid)
        for model in unpaid:
            record = self.asked[model]
            facts = record.race.model_copy(update={"unpaid_after": standing.looks}) if record.race else None
            self.asked[model] = record.model_copy(update={"race": facts})
            self.store.write_asked(self.asked[model], self.plan.protocol_digest)
        return self.standing() if unpaid else standing

    def _affordable(self, by_worth: Sequence[str], standing: Standing, left_s: float) -> int:
        """How many of the first networks have their next cell paid, with time to finish the very first of them."""

        def seconds(models: Sequence[str], place: Place | None) -> float:
            return total_seconds(self._cells(models, place), self.cell_seconds, self.workers)

        for finished in (FINISHED_FIRST, 1, 0) if standing.looks else (0,):
            for count in range(len(by_worth), 0, -1):
                first, others = by_worth[:finished], by_worth[finished:count]
                if count >= finished and seconds(first, None) + seconds(others, standing.next) <= left_s:
                    return count
        return 0

    def _announce(self, left_s: float, left_out: Sequence[str]) -> None:
        """What the time pays for, at once."""
        of_all = [cell for cell in self.missing if cell.kind == "network"]
        folds = self.layout.folds * self.layout.seeds
        each = total_seconds(of_all, self.cell_seconds, self.workers) / folds
        out = {model: self.cell_seconds.get(model, 0.0) for model in left_out}
        self.on_event(Budgeted(left_s, min(left_s / each, folds) if each else folds, out))
