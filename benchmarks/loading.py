"""Reading a file of faces: ours cold and warm against pandas, seconds and memory; with --growth also more rows.

    python benchmarks/loading.py --data data/KeyFacialPoints.csv [--rounds 5] [--growth 10 50]

Each reading runs in a process of its own, after its imports; the ways take turns, in another order each round. Memory
is the peak of resident memory beyond the imports, without the mapped file of the cache (Linux only). The growth
repeats the rows of --data, each copy with a few other pixels, and reads them cold, warm and with near-duplicate groups.
Exit code 1 where ours is slower cold than pandas with np.fromstring, needs more than a third of its memory, takes 20 ms
warm, or 300 MB at any size.
"""

import argparse
import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.faces.opening import open_lines
from bench.scheme import SEED_SCHEME

WAYS = ("bench cold", "bench warm", "pandas + np.fromstring", "pandas + str.split")
SAMPLING_S = 0.002
WARM_LIMIT_S, MEMORY_LIMIT_MB = 0.020, 300.0
COLUMNS = f"{'':24}{'seconds':>9}{'fastest':>9}{'slowest':>9}{'on cpu':>9}{'MB':>8}\n"


def read_with_bench(path: Path, groups: str = "none") -> int:
    """Through the front door: parse or map."""
    from bench.faces.face_set import FaceSource
    from bench.faces.loading import load_faces

    return load_faces(FaceSource(path, groups)).rows


def read_with_fromstring(path: Path) -> int:
    """What a careful user writes."""
    import pandas as pd

    table = pd.read_csv(path)
    images = np.stack([np.fromstring(text, dtype=np.uint8, sep=" ") for text in table["Image"]])
    return len(images) if len(table[list(SEED_SCHEME.flat_names)].to_numpy(np.float32)) else 0


def read_with_split(path: Path) -> int:
    """What most tutorials write."""
    import pandas as pd

    table = pd.read_csv(path)
    images = np.stack([np.array(text.split(), dtype=np.uint8) for text in table["Image"]])
    return len(images) if len(table[list(SEED_SCHEME.flat_names)].to_numpy(np.float32)) else 0


def private_mb() -> float:
    """Resident memory that no file backs, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("RssAnon is not told by this system")


def measure_here(way: str, path: Path, groups: str) -> dict[str, float]:
    """Read in this process: seconds and the peak of private memory beyond the imports."""
    importlib.import_module("bench.faces.loading" if way.startswith("bench") else "pandas")
    reader: Callable[[], int] = {
        "pandas + np.fromstring": lambda: read_with_fromstring(path),
        "pandas + str.split": lambda: read_with_split(path),
    }.get(way, lambda: read_with_bench(path, groups))
    before = private_mb()
    peaks, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(SAMPLING_S):
            peaks.append(private_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    started, started_cpu = time.perf_counter(), time.process_time()
    rows = reader()
    seconds, processor_s = time.perf_counter() - started, time.process_time() - started_cpu
    peaks.append(private_mb())
    done.set()
    watcher.join()
    return {"seconds": seconds, "processor_s": processor_s, "memory_mb": max(peaks) - before, "rows": rows}


def measure(way: str, path: Path, cache: Path, groups: str = "none") -> dict[str, float]:
    """Read in a fresh process."""
    command = [sys.executable, "-W", "ignore", __file__, "--data", str(path), "--way", way, "--groups", groups]
    environment = {**os.environ, "BENCH_CACHE_DIR": str(cache)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def compare(path: Path, rounds: int, folder: Path) -> dict[str, list[dict[str, float]]]:
    """Every way ``rounds`` times, in turns."""
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    generator = random.Random(0)
    for number in range(rounds):
        measure("bench cold", path, folder / "warm")
        for way in generator.sample(WAYS, len(WAYS)):
            cache = folder / ("warm" if way == "bench warm" else f"cold-{number}")
            found[way].append(measure(way, path, cache))
    return found


def repeat_rows(source: Path, target: Path, times: int) -> None:
    """Write the rows of ``source`` ``times`` over; each copy begins with other pixels: no two photos are the same."""
    with open_lines(source) as lines:
        header, *rows = [line for line in lines if line.strip()]
    with target.open("wb") as stream:
        stream.write(header + b"\n")
        for copy in range(times):
            for row in rows:
                start = row.rfind(b",") + 1
                words = row[start:].split(b" ", 3)
                stream.write(row[:start] + b"%d %d %d %b\n" % (copy % 256, copy // 256, 7, words[3]))


def show(name: str, measured: Sequence[dict[str, float]]) -> None:
    """One line of the table."""
    seconds = [one["seconds"] for one in measured]
    memory = max(one["memory_mb"] for one in measured)
    on_cpu = statistics.median(one["processor_s"] for one in measured)
    spread = f"{statistics.median(seconds):9.3f}{min(seconds):9.3f}{max(seconds):9.3f}{on_cpu:9.3f}"
    sys.stdout.write(f"{name:24}{spread}{memory:8.0f}\n")
    sys.stdout.flush()


def report(found: dict[str, list[dict[str, float]]]) -> bool:
    """Print the comparison; whether it passed."""
    sys.stdout.write(COLUMNS)
    for way, measured in found.items():
        show(way, measured)
    ours, theirs = found["bench cold"], found["pandas + np.fromstring"]
    time_ratio = statistics.median(b["seconds"] / a["seconds"] for a, b in zip(ours, theirs, strict=True))
    memory_ratio = statistics.median(b["memory_mb"] / a["memory_mb"] for a, b in zip(ours, theirs, strict=True))
    sys.stdout.write(f"pandas + np.fromstring over bench cold: {time_ratio:.2f}x seconds, {memory_ratio:.1f}x memory\n")
    warm = statistics.median(one["seconds"] for one in found["bench warm"])
    return time_ratio >= 1 and memory_ratio >= 3 and warm < WARM_LIMIT_S


def grow(path: Path, times: int, folder: Path) -> bool:
    """Print what ``times`` as many rows take; whether memory stayed below the limit."""
    target = folder / f"grown-{times}.csv"
    repeat_rows(path, target, times)
    cache = folder / f"grown-{times}"
    passed = True
    for way, groups in (("bench cold", "none"), ("bench warm", "none"), ("bench cold", "auto"), ("bench warm", "auto")):
        one = measure(way, target, cache, groups)
        name = {"none": way, "auto": f"{'find' if way == 'bench cold' else 'remember'} groups"}[groups]
        show(f"{one['rows']:9,.0f} {name}", [one])
        passed = passed and one["memory_mb"] < MEMORY_LIMIT_MB
    target.unlink()
    return passed


def main() -> int:
    """Run the benchmark; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growth", type=int, nargs="*", default=[], metavar="TIMES")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--groups", default="none", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        sys.stdout.write(json.dumps(measure_here(asked.way, asked.data, asked.groups)))
        return 0
    with tempfile.TemporaryDirectory(prefix="loading-") as name:
        folder = Path(name)
        passed = report(compare(asked.data, asked.rounds, folder))
        for times in asked.growth:
            passed = grow(asked.data, times, folder) and passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
