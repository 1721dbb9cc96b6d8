"""``--workers auto``: what cores, memory and the device carry."""

import pytest

from bench.config.settings import RunSettings
from bench.running import run as session
from bench.running.run import choose_workers


@pytest.fixture(autouse=True)
def _large_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "usable_cores", lambda: 16)
    monkeypatch.setattr(session, "free_memory_bytes", lambda: 10**12)


@pytest.mark.parametrize(
    ("device", "threads", "cells", "expected"),
    [
        ("cpu", 1, 100, 16),
        ("cpu", 4, 100, 4),
        ("cpu", 1, 3, 3),
        ("cpu", 32, 9, 1),
        ("mps", 1, 100, 1),
        ("cuda", 1, 100, 2),
        ("cuda:1", 1, 100, 2),
        ("cuda", 16, 100, 1),
        ("cuda", 1, 1, 1),
    ],
)
def test_auto(device: str, threads: int, cells: int, expected: int) -> None:
    assert choose_workers(RunSettings(threads=threads), cells, device) == expected


def test_a_number_is_taken_as_asked() -> None:
    assert choose_workers(RunSettings(workers=7), 100, "cuda") == 7


def test_memory_may_hold_fewer_than_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "free_memory_bytes", lambda: 3_500_000_000)
    assert choose_workers(RunSettings(), 100, "cpu") == 3
