"""Whom a race with a budget gives its next cell: as many as there is time for, with the best finished first."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.comparing.race import Standing
from bench.running.race import Race

FOLDS = 4


def allocator(
    seconds: dict[str, float],
    models: Sequence[str],
    done: int,
    *,
    workers: int = 1,
    untimed: frozenset[str] = frozenset(),
) -> Race:
    """A race in which every network has its first ``done`` folds."""
    cells = [
        SimpleNamespace(key=f"{model}{fold}", model=model, kind="network", seed=0, fold=fold)
        for model in models
        for fold in range(done, FOLDS)
    ]
    nothing = cast("Any", None)
    asked = dict.fromkeys(models, nothing)
    return Race(nothing, nothing, cast("Any", cells), asked, seconds, workers, None, untimed, lambda _: None)


@pytest.mark.parametrize(
    ("seconds", "done", "left_s", "paid"),
    [
        ({"a": 100, "b": 5}, 3, 55, ["b"]),  # the best cannot be paid, the second can
        ({"a": 300, "b": 5, "c": 5}, 1, 280, ["b", "c"]),
        ({"a": 10, "b": 10, "c": 10}, 1, 75, ["a", "b", "c"]),  # two to the end, and one more fold of the third
        ({"a": 10, "b": 10, "c": 10}, 1, 65, ["a", "b"]),
        ({"a": 10, "b": 10}, 1, 0, []),
        ({"b": 50}, 0, 60, ["b"]),  # a could not be timed: it is taken to be as dear as the dearest
        ({"a": 50, "b": 5, "c": 1}, 0, 7, ["c", "b"]),
    ],
)
def test_time_goes_to_whom_it_finishes(seconds: dict[str, float], done: int, left_s: float, paid: list[str]) -> None:
    models = sorted({*seconds, "a"})
    standing = Standing(done, tuple(models), (), (0, done))
    assert allocator(seconds, models, done)._affordable(standing, left_s) == paid


def test_a_look_waits_for_its_slowest_cell_whatever_the_number_of_workers() -> None:
    race = allocator({"a": 100, "b": 100}, ["a", "b"], 0, workers=8)
    assert race._cost(["a", "b"], [], (0, 0)) == 400


@pytest.mark.parametrize(
    ("done", "left_s", "paid"), [(0, 60, ["a"]), (0, 100, ["a", "b"]), (1, 100, ["a", "b"]), (1, 95, ["a"])]
)
def test_time_is_kept_to_measure_whoever_gets_a_score_and_nobody_else(
    done: int, left_s: float, paid: list[str]
) -> None:
    race = allocator({"a": 10, "b": 10}, ["a", "b"], done, untimed=frozenset("ab"))
    assert race._affordable(Standing(done, ("a", "b"), (), (0, done)), left_s) == paid
