"""Marks in the names of what a process has not finished: they tell whose it is, and so what the dead have left."""

import hashlib
import os
import platform
import re
import time
from pathlib import Path

import psutil

MARK = re.compile(r"([0-9a-f]{12})-(\d{1,9})-")


def mark() -> str:
    """This process's, for a name."""
    return f"{host_digest()}-{os.getpid()}-"


def host_digest() -> str:
    """This machine in twelve hex digits, since its name is nobody's business."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:12]


def is_marked(path: Path) -> bool:
    """Whether a name bears the mark of any process."""
    return MARK.search(path.name) is not None


def is_left_behind(path: Path, stale_s: float) -> bool:
    """Whether the process that a name is marked with has ended.

    What bears no mark, that of another machine, or that of a number which is in use (again, perhaps), is left behind
    once it is ``stale_s`` old.

    Raises:
        OSError: it is not there any more.
    """
    found = MARK.search(path.name)
    ended = found is not None and found[1] == host_digest() and not psutil.pid_exists(int(found[2]))
    return ended or time.time() - path.stat().st_mtime > stale_s
