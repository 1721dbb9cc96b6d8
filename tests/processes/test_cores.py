"""Usable cores and memory under fake control groups of both versions."""

from pathlib import Path

import psutil
import pytest

from bench.processes import cores
from bench.processes.cores import free_memory_bytes, usable_cores


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The top of an empty tree of control groups, on a machine with 16 cores and 10^12 bytes free."""
    monkeypatch.setattr(cores, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(cores, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda _: list(range(16)), raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 10**12}))
    return tmp_path


def write(groups: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = groups / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 16),
        ({"membership": "0::/", "cpu.max": "max 100000"}, 16),
        ({"membership": "0::/", "cpu.max": "350000 100000"}, 3),
        ({"membership": "0::/", "cpu.max": "50000 100000"}, 1),
        ({"membership": "0::/", "cpu.max": "9900000 100000"}, 16),
        ({"membership": "0::/user/job", "user/cpu.max": "200000 100000", "user/job/cpu.max": "max 100000"}, 2),
        ({"membership": "0::/not/mounted/here", "cpu.max": "400000 100000"}, 4),
        ({"membership": "0::/", "cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "100000"}, 16),
        (
            {
                "membership": "7:memory:/\n4:cpu,cpuacct:/docker/x\n0::/",
                "cpu/cpu.cfs_quota_us": "-1",
                "cpu/cpu.cfs_period_us": "100000",
                "cpu/docker/x/cpu.cfs_quota_us": "250000",
                "cpu/docker/x/cpu.cfs_period_us": "100000",
            },
            2,
        ),
    ],
)
def test_a_quota_counts_like_an_affinity_mask(groups: Path, files: dict[str, str], expected: int) -> None:
    write(groups, files)
    assert usable_cores() == expected


def test_without_affinity_and_control_groups_all_cores_count(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil.Process, "cpu_affinity")
    monkeypatch.setattr(psutil, "cpu_count", lambda: 12)
    assert usable_cores() == 12
    assert not any(groups.iterdir())


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 10**12),
        ({"membership": "0::/", "memory.max": "3500000000"}, 3_500_000_000),
        ({"membership": "0::/", "memory.max": "max"}, 10**12),
        ({"membership": "3:memory:/box", "memory/box/memory.limit_in_bytes": "2000000000"}, 2_000_000_000),
        ({"membership": "3:memory:/", "memory/memory.limit_in_bytes": "9223372036854771712"}, 10**12),
    ],
)
def test_a_container_may_hold_less_than_the_machine(groups: Path, files: dict[str, str], expected: int) -> None:
    write(groups, files)
    assert free_memory_bytes() == expected
