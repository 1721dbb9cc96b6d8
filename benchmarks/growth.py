"""One epoch over more and more rows: does time grow with the rows, and memory not?

    python -m benchmarks.growth --data data/KeyFacialPoints.csv --times 1 10 50

The rows of --data are repeated, each copy with a few other pixels. Each size is read once into the cache and then
trained for one epoch in a process of its own, one thread, fold 0, as a worker of ``bench run`` does. Memory is the peak
of resident memory without the pages of the mapped pictures, which the system can take back at any time (Linux only).
Exit code 1 where it reaches 1 GB, or where the seconds per row differ by more than 10 % from those of the smallest.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.loading import repeat_rows

MODEL = "plain_cnn"
LIMIT_MB, LIMIT_GROWTH = 1000.0, 0.10
SAMPLING_S = 0.05


def resident_mb(without: str) -> float:
    """Resident memory of this process, less the pages of mapped files whose name ends with ``without``."""
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        word, *rest = line.split()
        if not word.endswith(":"):
            inside = bool(rest) and rest[-1].endswith(without)
        elif word == "Rss:" and not inside:
            total += int(rest[0])
    return total / 1024


def train_here(data: Path, epochs: int) -> dict[str, float]:
    """Plan, then train one fold in this process."""
    from bench.config.loading import load_config
    from bench.faces.cache import IMAGES
    from bench.faces.face_set import FaceSource
    from bench.faces.loading import load_faces
    from bench.running.plan import make_plan
    from bench.running.worker import run_fold

    source = FaceSource(data, "none")
    faces = load_faces(source)
    run = {"models": (MODEL,), "data": data, "groups": "none", "epochs": epochs}
    plan = make_plan(load_config(None, (), run), source, faces)
    cell = next(cell for cell in plan.cells if cell.model == MODEL)
    peaks, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(SAMPLING_S):
            peaks.append(resident_mb(IMAGES))

    watcher = threading.Thread(target=watch)
    watcher.start()
    outcome = run_fold(cell.task, lambda _: None)
    done.set()
    watcher.join()
    if outcome.train_seconds is None:
        raise RuntimeError(outcome.reason)
    seconds = statistics.median(_epoch_seconds([point.seconds for point in outcome.curve]))
    return {"rows": faces.rows, "train_rows": len(cell.task.train_rows), "epoch_s": seconds, "memory_mb": max(peaks)}


def _epoch_seconds(stamps: list[float]) -> list[float]:
    """Without the first epoch where there are more: it pays for choosing kernels."""
    each = [after - before for before, after in zip([0.0, *stamps], stamps, strict=False)]
    return each[1:] or each


def measure(data: Path, cache: Path, epochs: int) -> dict[str, float]:
    """Train in a fresh process with one thread."""
    from bench.processes.servant import KEEP_MEMORY

    command = [sys.executable, "-m", "benchmarks.growth", "--data", data, "--here", "--epochs", str(epochs)]
    environment = {**os.environ, **KEEP_MEMORY, "BENCH_CACHE_DIR": str(cache), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def main() -> int:
    """Run the benchmark; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--epochs", type=int, default=1, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        sys.stdout.write(json.dumps(train_here(given.data, given.epochs)))
        return 0
    sys.stdout.write(f"{'rows':>9}{'epoch s':>9}{'ms/row':>9}{'MB':>8}\n")
    per_row, memory = [], []
    with tempfile.TemporaryDirectory(prefix="growth-") as name:
        for times in given.times:
            target = Path(name) / f"grown-{times}.csv"
            repeat_rows(given.data, target, times)
            started = time.perf_counter()
            # Small files are trained for more epochs, so that each size is timed over as many steps.
            found = measure(target, Path(name), 1 + max(given.times) // times if times < max(given.times) else 1)
            target.unlink()
            per_row.append(1000 * found["epoch_s"] / found["train_rows"])
            memory.append(found["memory_mb"])
            line = f"{found['rows']:9,.0f}{found['epoch_s']:9.1f}{per_row[-1]:9.3f}{memory[-1]:8.0f}\n"
            sys.stdout.write(line)
            sys.stderr.write(f"read and trained in {time.perf_counter() - started:.0f} s\n")
    linear = max(abs(each / per_row[0] - 1) for each in per_row) <= LIMIT_GROWTH
    return 0 if linear and max(memory) < LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
