"""What a race trains next: recorded results in, cells out, look by look, within a budget where there is one."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.comparing.race import Layout, Place, Runner, Standing, race
from bench.comparing.selection import observe, select
from bench.records.schema import AskedRecord, CellRecord
from bench.records.store import RecordStore
from bench.running.events import Budgeted, Event, Looked
from bench.running.plan import Cell, Plan
from bench.running.probe import total_seconds

logger = logging.getLogger(__name__)

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
        cell_seconds: by network, what one cell takes; one that could not be timed costs what the dearest does.
        workers: how many cells run side by side.
        ends: when all is to be over, on the clock of ``time.monotonic``; None = no budget.
        untimed: the networks whose latency is to be measured after training, if they have a score then.
        on_event: is told how the race stands.
    """

    plan: Plan
    store: RecordStore
    missing: Sequence[Cell]
    asked: dict[str, AskedRecord]
    cell_seconds: dict[str, float]
    workers: int
    ends: float | None
    untimed: frozenset[str]
    on_event: Callable[[Event], None]
    _given: set[str] = field(default_factory=set)

    def rounds(self, written: Mapping[str, CellRecord]) -> Iterator[list[Cell]]:
        """The cells to train next, longest first, until the race is over. Gates come at the start.

        Args:
            written: by its key, what came of each cell that was trained; read when the next round is asked for.
        """
        gates = [cell for cell in self.missing if cell.kind == "gate"]
        standing = self._paid(self.standing())
        self._announce(standing)
        while True:
            if standing.looks or standing.next is None:
                self.on_event(Looked(standing, len(self.layout.places), len(self._cells(standing.still_in))))
            cells = self._cells(standing.still_in, standing.next)
            if not (cells or gates):
                break
            self._given |= {cell.key for cell in cells}
            yield [*gates, *sorted(cells, key=lambda cell: self._seconds_of(cell.model), reverse=True)]
            gates = []
            self._learn(written)
            standing = self._paid(self.standing())
        if standing.next is not None:
            seed, fold = standing.next
            logger.warning(
                "the race stops at look %d of %d: what was recorded for seed %d fold %d of %s cannot be read any more; "
                "run the same command again, which trains that anew",
                standing.looks + 1, len(self.layout.places), seed, fold, " and ".join(standing.waited_for),
            )  # fmt: skip

    def standing(self) -> Standing:
        """How the race stands by what is recorded."""
        selection, observations = observe(self.store, select(self.store, [*self.asked.values()]))
        models = tuple(self.asked)
        runners = {model: Runner.of(selection.entries[model], models, self._pending(model)) for model in models}
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

    def _learn(self, written: Mapping[str, CellRecord]) -> None:
        """Real cells know better than a probe what a cell takes."""
        spent: dict[str, list[float]] = {}
        for record in written.values():
            if record.kind == "network" and record.train_seconds is not None:
                spent.setdefault(record.model, []).append(record.train_seconds)
        self.cell_seconds |= {model: sum(seconds) / len(seconds) for model, seconds in spent.items()}

    def _paid(self, standing: Standing) -> Standing:
        """The same, less those for which there is no time; that is noted with what was asked for."""
        if self.ends is None:
            return standing
        left_s = self.ends - time.monotonic()
        while standing.next is not None:
            paid = self._affordable(standing, left_s)
            unpaid = [model for model in standing.waited_for if model not in paid]
            if not unpaid:
                break
            for model in unpaid:
                record = self.asked[model]
                facts = record.race.model_copy(update={"unpaid_after": standing.looks}) if record.race else None
                self.asked[model] = record.model_copy(update={"race": facts})
                self.store.write_asked(self.asked[model], self.plan.protocol_digest)
            standing = self.standing()
        return standing

    def _affordable(self, standing: Standing, left_s: float) -> list[str]:
        """The networks whose next cell is paid, with time kept to finish the first of them that can be finished.

        Before the first look nothing is known: the cheap ones first, for then there are more of them.
        """
        by_worth, without_score = (
            list(standing.still_in),
            {gone.model for gone in standing.departures if not gone.looks},
        )
        scored = [model for model in self.asked if standing.looks and model not in without_score]

        def affords(finished: Sequence[str], others: Sequence[str]) -> bool:
            measured = self._measuring_s([*scored, *finished, *others])
            return self._cost(finished, others, standing.next) + measured <= left_s

        if not standing.looks:
            by_worth.sort(key=lambda model: (self._cost([], [model], standing.next), model not in self.cell_seconds))
        finished: list[str] = []
        for model in by_worth if standing.looks else ():
            if len(finished) < FINISHED_FIRST and affords([*finished, model], []):
                finished.append(model)
        others: list[str] = []
        for model in by_worth:
            if model not in finished and affords(finished, [*others, model]):
                others.append(model)
        return [*finished, *others]

    def _measuring_s(self, models: Iterable[str]) -> float:
        """What measuring the latency of these networks will take."""
        return LATENCY_SECONDS_EACH * len(self.untimed.intersection(models))

    def _cost(self, finished: Sequence[str], others: Sequence[str], place: Place | None) -> float:
        """Seconds to finish some networks look by look, and to train the cells of others at the first look alone."""
        looks: dict[Place, list[Cell]] = {}
        for cell in [*self._cells(finished), *self._cells(others, place)]:
            looks.setdefault((cell.seed, cell.fold), []).append(cell)
        seconds = {cell.model: self._seconds_of(cell.model) for cells in looks.values() for cell in cells}
        return sum(total_seconds(cells, seconds, self.workers) for cells in looks.values())

    def _seconds_of(self, model: str) -> float:
        """Of one cell; of a network that could not be timed, those of the dearest."""
        return self.cell_seconds.get(model, max(self.cell_seconds.values(), default=0.0))

    def _announce(self, standing: Standing) -> None:
        """What the time pays for, at once."""
        out = {gone.model: self._seconds_of(gone.model) for gone in standing.departures if gone.reason == "unpaid"}
        racing = [*standing.still_in, *out]
        looks = len({(cell.seed, cell.fold) for cell in self._cells(racing)})
        if self.ends is None or not looks:
            return
        left_s = max(self.ends - time.monotonic() - self._measuring_s(racing), 0.0)
        each = self._cost(racing, [], None) / looks
        self.on_event(Budgeted(left_s, min(left_s / each, looks) if each else looks, out))
