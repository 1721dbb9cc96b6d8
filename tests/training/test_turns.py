"""Work that takes turns: each is done whole, and comes to what it would alone."""

from collections.abc import Sequence

import pytest

from bench.training.turns import Turns, alone, in_turns


def counting(steps: int, heard: list[tuple[str, int]], name: str) -> Turns[str]:
    for step in range(steps):
        heard.append((name, step))
        yield
    return f"{name} done"


def test_each_has_its_turn_in_every_round_until_it_ends() -> None:
    heard: list[tuple[str, int]] = []
    works = [counting(2, heard, "a"), counting(1, heard, "b"), counting(3, heard, "c")]
    assert list(in_turns(works, "cpu")) == [(1, "b done"), (0, "a done"), (2, "c done")]
    assert heard == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("c", 1), ("c", 2)]


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_alone_comes_to_the_same(steps: int) -> None:
    assert alone(counting(steps, [], "a")) == "a done"
    ended: Sequence[tuple[int, str]] = list(in_turns([counting(steps, [], "a")], "cpu"))
    assert ended == [(0, "a done")]
