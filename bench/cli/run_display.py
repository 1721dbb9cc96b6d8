"""What a person sees while a run goes on: bars on a terminal, plain lines elsewhere."""

import time

from bench.cli.console import Screen
from bench.faces.grouping import describe_groups
from bench.progress import RunBars, label
from bench.reporting.board_facts import Left
from bench.reporting.number_text import format_seconds
from bench.running.events import Budgeted, CellEnded, Estimated, Event, Looked, Planned, Stage


class RunDisplay:
    """Listens to a run's events and shows them."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._bars = RunBars(screen.err, drawn=screen.live)
        self._total = 0
        self._ended = 0
        self._gone: set[str] = set()
        self._started = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Planned():
                self._planned(event)
            case Estimated():
                self._estimated(event)
            case Budgeted():
                self._budgeted(event)
            case Looked():
                self._looked(event)
            case CellEnded():
                self._cell_ended(event)
            case Stage(text):
                self._bars.close()
                self._screen.note(text)
        self._bars(event)

    def close(self) -> None:
        """End the live drawing."""
        self._bars.close()

    def _planned(self, event: Planned) -> None:
        plan, missing = event.plan, event.missing
        dataset = plan.dataset
        groups = describe_groups(dataset.groups, dataset.grouping, dataset.people_known)
        source = "synthetic faces, drawn by bench" if dataset.synthetic else dataset.name
        self._screen.note(f"data: {source}: {dataset.rows:,} rows, {groups}")
        for note in plan.notes:
            self._screen.note(f"{dataset.name}: {note}")
        if not dataset.people_known:
            self._screen.warn("no groups given: errors and intervals are optimistic (--groups names who is in a row)")
        recorded = len(plan.cells) - len(missing)
        already = f", {recorded} recorded already" if recorded else ""
        self._screen.note(f"plan: {len(plan.cells)} cells{already}; {event.workers} at a time")
        self._total = len(missing)

    def _estimated(self, event: Estimated) -> None:
        if event.cell_seconds:
            each = ", ".join(f"{model} {format_seconds(seconds)}" for model, seconds in event.cell_seconds.items())
            self._screen.note(f"estimate: {format_seconds(event.total_seconds)} for all (one cell: {each})")
        if event.unknown:
            self._screen.warn(f"estimate without {', '.join(event.unknown)}: a few batches could not be timed")

    def _budgeted(self, event: Budgeted) -> None:
        self._screen.note(
            f"budget: {format_seconds(event.seconds)} of training pay for {event.folds:.1f} folds of every network, "
            "and for more of those that stay in the race"
        )
        for model, seconds in event.left_out.items():
            self._screen.warn(f"left out: {model}, of which one fold takes {format_seconds(seconds)}")

    def _looked(self, event: Looked) -> None:
        standing = event.standing
        self._total = self._ended + event.cells_left
        new = [Left.model_validate(one) for one in standing.departures if one.model not in self._gone]
        self._gone |= {left.model for left in new}
        for left in new:
            self._screen.note(f"race: {left.model} {left.text}")
        look = f"look {standing.looks} of {event.looks}"
        if standing.still_in:
            self._screen.note(f"race: {look}, {len(standing.still_in)} still in: {', '.join(standing.still_in)}")
        else:
            # Whoever is found worse leaves somebody behind who is better.
            no_time = standing.departures[-1].reason == "unpaid"
            why = "there was no time for more" if no_time else "the last trainings failed"
            self._screen.note(f"race: over after {look} with nobody left in: {why}")

    def _cell_ended(self, event: CellEnded) -> None:
        self._ended += 1
        cell, outcome = event.cell, event.outcome
        if outcome.cause is not None:
            self._screen.warn(f"{label(cell)} failed: {outcome.cause}: {outcome.reason}")
        if not self._screen.live and cell.kind != "gate":
            spent = f" in {format_seconds(outcome.train_seconds)}" if outcome.train_seconds is not None else ""
            state = "failed" if outcome.cause is not None else "done"
            self._screen.note(
                f"[{self._ended}/{self._total}, {format_seconds(time.monotonic() - self._started)}] "
                f"{label(cell)} {state}{spent}"
            )
