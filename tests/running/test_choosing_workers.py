"""``--workers auto``: what cores, memory and the device carry."""

import os
from pathlib import Path

import pytest

from bench.config.settings import RunSettings
from bench.running import run as session
from bench.running.run import choose_workers


@pytest.fixture(autouse=True)
def _large_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.setattr(session.psutil, "virtual_memory", lambda: type("Memory", (), {"available": 10**12}))
    monkeypatch.setattr(session, "CONTAINER_LIMIT", tmp_path / "memory.max")


@pytest.mark.parametrize(
    ("device", "threads", "cells", "expected"),
    [
        ("cpu", 1, 100, 16),
        ("cpu", 4, 100, 4),
        ("cpu", 1, 3, 3),
        ("cpu", 32, 9, 1),
        ("mps", 1, 100, 1),
        ("cuda", 1, 100, 4),
        ("cuda:1", 1, 100, 4),
        ("cuda", 8, 100, 2),
        ("cuda", 1, 2, 2),
    ],
)
def test_auto(device: str, threads: int, cells: int, expected: int) -> None:
    assert choose_workers(RunSettings(threads=threads), cells, device) == expected


def test_a_number_is_taken_as_asked() -> None:
    assert choose_workers(RunSettings(workers=7), 100, "cuda") == 7


@pytest.mark.parametrize(("limit", "expected"), [("3500000000\n", 3), ("max\n", 16)])
def test_a_container_may_hold_less_than_the_machine(limit: str, expected: int) -> None:
    session.CONTAINER_LIMIT.write_text(limit)
    assert choose_workers(RunSettings(), 100, "cpu") == expected
