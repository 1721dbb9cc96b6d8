"""What of this machine a process may use: cores and memory, as the system and the container around us allow."""

from collections.abc import Iterator
from pathlib import Path

import psutil

CONTROL_GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Whole cores that this process may use, at least 1: its affinity mask, or a container's quota where that is less.

    Where the system has neither, all cores.
    """
    try:
        allowed = len(psutil.Process().cpu_affinity() or ())
    except (AttributeError, psutil.Error):  # macOS has no affinity
        allowed = 0
    version_1 = zip(_limits("cpu", "cpu.cfs_quota_us"), _limits("cpu", "cpu.cfs_period_us"), strict=False)
    quotas = [*(text.split() for text in _limits("cpu", "cpu.max")), *version_1]
    whole = [int(quota) // int(period) for quota, period in quotas if quota.isdecimal()]  # else "max" or -1
    return max(1, min([allowed or psutil.cpu_count() or 1, *whole]))


def free_memory_bytes() -> int:
    """Free memory of the machine, or all that a container may use where that is less."""
    limits = [*_limits("memory", "memory.max"), *_limits("memory", "memory.limit_in_bytes")]
    return min([int(psutil.virtual_memory().available), *(int(limit) for limit in limits if limit.isdecimal())])


def _limits(controller: str, file: str) -> Iterator[str]:
    """Contents of ``file`` in this process's control group and in each above it; nothing where there is none.

    Version 2 has one tree for all controllers, version 1 one for each; inside a container the path that the system
    tells may be the host's, so folders that are not there are passed over.
    """
    for line in _text(MEMBERSHIP).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        tree = CONTROL_GROUPS / controller if controllers else CONTROL_GROUPS
        group = tree / path.strip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(tree) and (text := _text(folder / file)):
                yield text


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # not Linux, or no such controller
        return ""
