"""Memory of this process, watched while it works."""

import threading
from pathlib import Path

import psutil

ROLLUP = Path("/proc/self/smaps_rollup")
PAUSE_S = 0.002


def memory_mb() -> float:
    """Memory of this process in MB (10^6 bytes): its proportional set size as if no other process were alive.

    The system's own figure divides a library's pages by the number of processes that map it, so it would fall with
    every further model measured at the same time. Private memory is taken as the system shares it out, files (the
    libraries) count in full. Where the system has no such figure, the resident set size stands in: the same thing for
    a process that shares no private memory, which a spawned one does not.
    """
    try:
        text = ROLLUP.read_text()
    except OSError:
        text = ""
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines() if line.endswith(" kB")}
    if "Pss_Anon" not in kilobytes:  # another system, or a kernel before 5.4
        return float(psutil.Process().memory_info().rss) / 1e6
    files = kilobytes["Rss"] - kilobytes["Anonymous"]
    return (kilobytes["Pss_Anon"] + files) * 1024 / 1e6


class PeakMemory:
    """Context: watches :func:`memory_mb` from a thread of its own; afterwards ``peak_mb`` holds the highest value."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._watcher.join()
        self.peak_mb = max(self.peak_mb, memory_mb())

    def _watch(self) -> None:
        while not self._stop.wait(PAUSE_S):
            self.peak_mb = max(self.peak_mb, memory_mb())
