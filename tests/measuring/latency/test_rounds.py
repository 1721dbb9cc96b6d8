"""The protocol with a simulated clock: no machine is quick, slow or shared here but on purpose."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.config.latency import LatencySettings
from bench.errors import ProcessError
from bench.measuring.latency.networks import FORWARD, Plan, Series, TimedModel
from bench.measuring.latency.rounds import Canary, KeptRounds, Timing, samples_per_turn, take_rounds, undisturbed_ms
from bench.measuring.latency.stopwatch import Stopwatch, Turn

SETTINGS = LatencySettings(rounds=6)


@dataclass
class Machine:
    """Counts turns; ``slowness`` and ``waiting`` say how each turn goes."""

    slowness: Callable[[int], float] = lambda _: 1.0
    waiting: Callable[[int], float] = lambda _: 0.0
    turns: list[str] = field(default_factory=list)

    def process(self, name: str, call_ms: float, dies_at: int | None = None) -> Any:
        """In the place of a servant."""
        return SimulatedProcess(self, name, call_ms, dies_at)


@dataclass
class SimulatedProcess:
    machine: Machine
    name: str
    call_ms: float
    dies_at: int | None

    def begin(self, method: object, series: Series, samples: int) -> "SimulatedAnswer":
        assert (method, series) == (Stopwatch.turn, FORWARD)
        number = len(self.machine.turns)
        self.machine.turns.append(self.name)
        if self.dies_at is not None and number >= self.dies_at:
            raise ProcessError("killed", "worker killed by SIGKILL")
        taken = self.call_ms * self.machine.slowness(number)
        return SimulatedAnswer(Turn([taken], [taken] * samples, self.machine.waiting(number)))


@dataclass
class SimulatedAnswer:
    turn: Turn

    def wait(self) -> Turn:
        return self.turn


def run(machine: Machine, **dies_at: int) -> tuple[list[Timing], Canary, list[int]]:
    heard: list[int] = []
    canary = Canary(machine.process("canary", 0.5), 20)
    timings = [
        Timing(Plan(TimedModel(name, name)), machine.process(name, call_ms, dies_at.get(name)), {FORWARD: 10})
        for name, call_ms in (("a", 1.0), ("b", 2.0), ("c", 3.0))
    ]
    take_rounds(timings, canary, SETTINGS.rounds, SETTINGS.most_rounds, heard.append)
    return timings, canary, heard


def kept(timing: Timing, canary: Canary) -> tuple[KeptRounds, tuple[int, ...]]:
    """The rounds that count, and their numbers."""
    found = canary.kept_rounds(timing.rounds, SETTINGS.rounds)
    return found, tuple(next(n for n, each in enumerate(timing.rounds) if each is one) for one in found.rounds)


def test_a_quiet_machine_needs_no_extra_round_and_interleaves() -> None:
    machine = Machine()
    timings, canary, heard = run(machine)
    assert heard == [3] * SETTINGS.rounds
    one, other = ["canary a canary", "canary b canary", "canary c canary"], ["c", "b", "a"]
    there = " ".join(one).split()
    back = " ".join(f"canary {name} canary" for name in other).split()
    assert machine.turns == (there + back) * 3
    for timing in timings:
        found, numbers = kept(timing, canary)
        assert numbers == tuple(range(6))
        assert found.retaken == 0
        assert not found.unstable


def test_rounds_in_which_the_canary_drifts_are_taken_again() -> None:
    """Nine turns make a round, so rounds 2 and 3 of 0..5 are slow."""
    timings, canary, heard = run(Machine(slowness=lambda turn: 1.5 if 18 <= turn < 36 else 1.0))
    assert len(heard) == SETTINGS.rounds + 2
    for timing in timings:
        found, numbers = kept(timing, canary)
        assert numbers == (0, 1, 4, 5, 6, 7)
        assert found.retaken == 2
        assert not found.unstable
        samples = [ms for taken in found.rounds for ms in taken.turns[FORWARD].samples_ms]
        assert set(samples) == {min(samples)}


def test_a_machine_at_full_speed_for_too_few_rounds_is_unstable() -> None:
    timings, canary, _ = run(Machine(slowness=lambda turn: 1.0 if 18 <= turn < 54 else 2.0))
    assert all(kept(timing, canary)[0].unstable for timing in timings)


def test_a_drift_within_five_percent_is_left_alone() -> None:
    _, _, heard = run(Machine(slowness=lambda turn: 1.04 if turn % 2 else 1.0))
    assert len(heard) == SETTINGS.rounds


def test_a_disturbance_that_stays_marks_the_rows_unstable() -> None:
    timings, canary, heard = run(Machine(slowness=lambda turn: 1.0 if turn < 27 else 1.3))
    assert len(heard) == SETTINGS.most_rounds
    for timing in timings:
        found, numbers = kept(timing, canary)
        assert found.unstable
        assert numbers[:3] == (0, 1, 2)
        assert len(numbers) == SETTINGS.rounds


def test_waiting_for_a_core_disturbs_even_where_medians_do_not_move() -> None:
    """Only b's own turn of round 0 waited; only b takes a round more."""
    machine = Machine(waiting=lambda turn: 0.3 if turn == 4 else 0.0)
    timings, canary, heard = run(machine)
    assert heard == [3] * SETTINGS.rounds + [1]
    assert [kept(timing, canary)[0].retaken for timing in timings] == [0, 1, 0]
    assert 0 not in kept(timings[1], canary)[1]


def test_a_process_that_dies_leaves_the_others_alone() -> None:
    timings, canary, _ = run(Machine(), b=20)
    assert timings[1].failure == "worker killed by SIGKILL"
    for timing in (timings[0], timings[2]):
        assert len(kept(timing, canary)[1]) == SETTINGS.rounds


def test_the_undisturbed_time_survives_a_disturbed_majority() -> None:
    assert undisturbed_ms([1.0] * 4 + [1.6] * 8) == 1.0
    assert undisturbed_ms([1.0]) == 1.0


def test_a_turn_is_filled_but_never_empty() -> None:
    assert samples_per_turn(2.0, 0.25) == 125
    assert samples_per_turn(3000.0, 0.25) == 1
    assert samples_per_turn(0.001, 0.25) == 1000
