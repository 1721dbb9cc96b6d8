"""A child and whatever it starts, as one process group that ends as a whole, also when this process is killed."""

import contextlib
import os
import signal
import subprocess
from typing import Any

APART: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
"""How :class:`subprocess.Popen` starts the leader of a group."""
WATCH = ("/bin/sh", "-c", 'read dismissed || kill -s KILL -- "-$1"', "guard")
"""What the guard does: it reads until it is dismissed, or until nobody is left who could. A shell, for it is small."""


class Group:
    """A group that was started :data:`APART`, and a small process that watches over it.

    A stopped child, or one in C code that lets no thread of Python run, does not notice that its parent is gone, and
    what it started itself never does. The guard does, on every POSIX system; elsewhere only the leader is ended.
    """

    def __init__(self, leader: "subprocess.Popen[bytes]") -> None:
        """Raises:
        OSError: no process for the guard; the leader was ended then.
        """
        self.leader = leader
        self._guard: subprocess.Popen[bytes] | None = None
        if APART:
            quiet = subprocess.DEVNULL
            try:
                self._guard = subprocess.Popen(
                    [*WATCH, str(leader.pid)], stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, **APART
                )
            except OSError:
                self.end()
                raise

    def end(self) -> None:
        """Kill what is left of it, and wait for the leader."""
        if APART:
            with contextlib.suppress(OSError):  # nobody is left
                os.killpg(self.leader.pid, signal.SIGKILL)
        self.leader.kill()
        self.leader.wait()
        if self._guard is not None:
            with contextlib.suppress(OSError):  # somebody killed it
                self._guard.communicate(b"\n")
            self._guard.wait()
