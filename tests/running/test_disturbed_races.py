"""What disturbs a race is mended or told: damage, other runs in its folder, a budget that ends. Nothing is trained."""

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli.console import Screen
from bench.cli.run_display import RunDisplay
from bench.config.loading import load_config
from bench.faces.loading import load_faces
from bench.measuring.environment import describe_environment
from bench.records.schema import LatencyRecord
from bench.records.store import RecordStore
from bench.running import run as running
from bench.running.engine import Listener
from bench.running.events import Budgeted, Event, Looked
from bench.running.plan import Cell
from bench.running.run import execute_run
from bench.running.task import FoldOutcome

NETWORKS = Path(__file__).parent / "networks.py"
TINY, SLOW, CHATTY = (f"{NETWORKS}:{name}" for name in ("Tiny", "Slow", "Chatty"))
FOLDS, SECONDS = 4, 20.0


@dataclass
class Pretender:
    """An engine that answers with the labels, missed by about a pixel, and notes what it was given.

    ``before`` is called ahead of each batch of cells, with the number of batches so far.
    """

    before: Callable[[int], None] = lambda _: None
    failing: Sequence[str] = ()
    batches: list[list[Cell]] = field(default_factory=list)

    def __call__(self, cells: Sequence[Cell], listener: Listener) -> None:
        self.before(len(self.batches))
        self.batches.append([*cells])
        for cell in cells:
            if listener.cell_started(cell):
                listener.cell_ended(cell, self._outcome(cell), 1)

    def _outcome(self, cell: Cell) -> FoldOutcome:
        if cell.model in self.failing:
            return FoldOutcome(None, cause="diverged", reason="on purpose")
        labels = load_faces(cell.task.source).keypoints[cell.task.scored_rows]
        missed = np.random.default_rng(cell.task.seed).normal(0, 1, labels.shape)
        return FoldOutcome((labels + missed).astype(np.float32), train_seconds=SECONDS)

    def trained(self, model: str) -> list[int]:
        """The folds of a network, in the order in which they were given."""
        return [cell.fold for cells in self.batches for cell in cells if cell.model == model]


class Race:
    """Races on drawn faces, in one folder, without a worker."""

    def __init__(self, csv: Path) -> None:
        self.csv = csv
        self.store = RecordStore(csv.parent / "results")
        self.events: list[Event] = []

    def __call__(
        self, engine: Pretender, *models: str, expected: type[BaseException] | None = None, **options: Any
    ) -> None:
        people = str(self.csv.parent / "people.csv")
        given = {"models": models, "data": self.csv, "groups": people, "folds": FOLDS, "out": self.store.out}
        given |= {"race": True, "latency": False, "workers": 1, **options}
        self.events = []
        with pytest.raises(expected) if expected else nullcontext():
            execute_run(load_config(None, (), given), self.events.append, engine)

    @property
    def ended(self) -> Looked:
        """How it stood at the end."""
        return [event for event in self.events if isinstance(event, Looked)][-1]

    @property
    def budget(self) -> Budgeted:
        """What it said of its time; once."""
        (told,) = (event for event in self.events if isinstance(event, Budgeted))
        return told

    def damage(self, model: str, fold: int) -> None:
        """Cut the array file of a cell."""
        (cell,) = (cell for cell in self.store.cells_of(model) if cell.fold == fold)
        path = self.store.cell_path(model, cell.key).with_suffix(".npz")
        path.write_bytes(path.read_bytes()[:300])


@pytest.fixture
def race(faces_csv: Path, monkeypatch: pytest.MonkeyPatch) -> Race:
    """A race whose cells all take 20 s, by their probe too."""
    monkeypatch.setattr(running, "probe_cell_seconds", lambda cells, *_: {cell.model: SECONDS for cell in cells})
    return Race(faces_csv)


@pytest.fixture
def elsewhere(race: Race, monkeypatch: pytest.MonkeyPatch) -> Race:
    """The same, over the records of a race on another kind of processor."""
    with monkeypatch.context() as there:
        there.setattr("bench.training.precision.kernels", lambda _: "another kind")
        race(Pretender(), TINY, SLOW)
    return race


def test_damage_to_what_another_kind_of_processor_made_is_trained_here(elsewhere: Race) -> None:
    elsewhere.damage(SLOW, 2)
    engine = Pretender()
    elsewhere(engine, TINY, SLOW)
    assert (engine.trained(TINY), engine.trained(SLOW)) == ([], [2])
    assert (elsewhere.ended.standing.looks, elsewhere.ended.standing.next) == (FOLDS, None)


@pytest.mark.parametrize("there", ["elsewhere", "here"])
def test_a_damaged_record_hides_no_failure_here(there: str, request: pytest.FixtureRequest) -> None:
    race = request.getfixturevalue("elsewhere" if there == "elsewhere" else "race")
    if there == "here":
        race(Pretender(), TINY, SLOW)
    race.damage(SLOW, 2)
    race(Pretender(failing=[SLOW]), TINY, SLOW)
    assert [(left.model, left.looks, left.reason) for left in race.ended.standing.departures] == [(SLOW, 2, "failed")]


def test_what_was_damaged_in_mid_race_and_is_not_trained_here_is_told(
    elsewhere: Race, caplog: pytest.LogCaptureFixture
) -> None:
    """The cells of the newcomer are what is trained; meanwhile another's record, which was sound at the start, goes."""

    def damage(batches: int) -> None:
        if batches == 1:
            elsewhere.damage(SLOW, 2)

    with caplog.at_level(logging.WARNING):
        elsewhere(Pretender(damage), TINY, SLOW, CHATTY)
    assert elsewhere.ended.standing.next == (0, 2)
    told = caplog.messages[-1]
    assert told.startswith("the race stops at look 3 of 4: ")
    assert f"fold 2 of {SLOW} cannot be read" in told
    assert "run the same command again" in told
    engine = Pretender()
    elsewhere(engine, TINY, SLOW, CHATTY)
    assert engine.trained(SLOW) == [2]
    assert engine.trained(CHATTY) == [3]
    assert elsewhere.ended.standing.looks == FOLDS


@pytest.mark.parametrize("other", [{"seed": 1}, {"epochs": 1}, {"seeds": 1}], ids=["protocol", "variant", "seeds"])
def test_another_run_that_begins_in_the_same_folder_is_none_of_its_business(race: Race, other: dict[str, Any]) -> None:
    newcomer = Race(race.csv)

    def begin(batches: int) -> None:
        if batches == 2:
            newcomer(Pretender(), TINY, race=False, **other)

    engine = Pretender(begin)
    race(engine, TINY, SLOW, seeds=2)
    assert engine.trained(TINY) == engine.trained(SLOW) == [0, 1, 2, 3] * 2
    assert (race.ended.standing.looks, race.ended.standing.next) == (2 * FOLDS, None)
    assert {*race.ended.standing.still_in} == {TINY, SLOW}


def shown(race: Race, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What a person reads of it."""
    display = RunDisplay(Screen())
    for event in race.events:
        display(event)
    return capsys.readouterr().err.splitlines()


def test_a_race_whose_time_is_over_before_anybody_is_finished_says_so(
    race: Race, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def much_later(batches: int) -> None:
        if batches == 1:
            monkeypatch.setattr("time.monotonic", lambda: 1e9)

    race(Pretender(much_later), TINY, SLOW, race_budget_s=200)
    assert (race.ended.standing.looks, race.ended.standing.still_in) == (2, ())
    lines = shown(race, capsys)
    assert f"race: {TINY} the budget of the race paid for 2 folds" in lines
    assert lines[-1] == "race: over after look 2 of 4 with nobody left in: there was no time for more"


def test_a_race_of_which_every_network_fails_says_so(race: Race, capsys: pytest.CaptureFixture[str]) -> None:
    race(Pretender(failing=[TINY, SLOW]), TINY, SLOW)
    assert shown(race, capsys)[-1] == "race: over after look 1 of 4 with nobody left in: the last trainings failed"


def test_a_race_without_time_for_one_fold_says_so_once(race: Race, capsys: pytest.CaptureFixture[str]) -> None:
    engine = Pretender()
    race(engine, TINY, SLOW, race_budget_s=30)
    assert engine.trained(TINY) and not engine.trained(SLOW)
    assert [*race.budget.left_out] == [SLOW]
    lines = shown(race, capsys)
    assert sum(line.startswith("budget: ") for line in lines) == 1
    assert f"race: {SLOW} the budget of the race paid for no fold" in lines
    assert race.budget.folds == pytest.approx(0.75, abs=0.05)


def test_a_budget_counts_the_folds_that_are_not_recorded_yet(race: Race) -> None:
    race(Pretender(lambda batches: _stop_at(batches, 2)), TINY, SLOW, expected=KeyboardInterrupt)
    race(Pretender(), TINY, SLOW, race_budget_s=50)
    assert race.budget.folds == pytest.approx(1.25, abs=0.05)


def _stop_at(batches: int, last: int) -> None:
    if batches == last:
        raise KeyboardInterrupt


def test_time_is_kept_for_the_latencies_that_are_not_measured_here_yet(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "store_latencies", lambda *_: None)
    race(Pretender(), TINY, SLOW, latency=True, race_budget_s=1000)
    assert race.budget.seconds == pytest.approx(1000 - 2 * 40, abs=10)
    for number, model in enumerate((TINY, SLOW), start=1):
        _measure(race.store, model)
        race(Pretender(), TINY, SLOW, latency=True, race_budget_s=1000, seed=number)
        assert race.budget.seconds == pytest.approx(1000 - (2 - number) * 40, abs=10)


def _measure(store: RecordStore, model: str) -> None:
    """Note a latency of this machine."""
    cell = next(store.cells_of(model))
    store.write_latency(
        LatencyRecord(
            key=cell.variant_digest, model=model, variant_digest=cell.variant_digest, batch=1, threads=1, device="cpu",
            precision="float32", memory_format="channels_last", environment=describe_environment("cpu"),
        )
    )  # fmt: skip
