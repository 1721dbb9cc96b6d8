"""`bench report` on a hundred architectures: wall seconds and peak memory, against 60 s and 1 GB.

    python -m benchmarks.report_scale [--models 100] [--folds 5] [--seeds 3] [--rows 2140]

Draws the records (they take some minutes and 1.2 GB of disk), runs the real command in a process of its own and
prints one JSON object. Exit code 1 where a limit is passed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results

LIMIT_SECONDS, LIMIT_MB = 60.0, 1000.0
SAMPLING_SECONDS = 0.05


def main() -> int:
    """Draw, run, measure, print."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="report-scale-") as folder:
        out = Path(folder) / "results"
        draw_results(out, _results(asked))
        seconds, peak_mb = _timed([sys.executable, "-m", "bench", "report", "--out", str(out)])
        page_mb = (out / "report.html").stat().st_size / 1e6
    passed = seconds < LIMIT_SECONDS and peak_mb < LIMIT_MB
    result = {
        "models": asked.models, "folds": asked.folds, "seeds": asked.seeds, "rows": asked.rows,
        "seconds": round(seconds, 1), "peak_memory_mb": round(peak_mb), "page_mb": round(page_mb, 2), "passed": passed,
    }  # fmt: skip
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if passed else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("models", 100), ("folds", 5), ("seeds", 3), ("rows", 2140), ("people", 412)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


def _results(asked: argparse.Namespace) -> DrawnResults:
    networks = [
        DrawnModel(f"network_{k:03d}", 1.2 + k * 0.01, parameters=100_000 + 90_000 * k, latency_ms=1 + k * 0.1)
        for k in range(asked.models)
    ]
    gates = [
        DrawnModel(name, noise, kind="gate", latency_ms=None)
        for name, noise in (("mean_face", 4.6), ("knn", 3.8), ("ridge", 3.0))
    ]
    return DrawnResults([*networks, *gates], rows=asked.rows, people=asked.people, folds=asked.folds, seeds=asked.seeds)


def _timed(command: list[str]) -> tuple[float, float]:
    """Wall seconds of a command and the peak of its resident memory in MB, its children included."""
    start = time.perf_counter()
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    peaks: list[float] = [0.0]
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peaks, done))
    watcher.start()
    code = process.wait()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    if code != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {code}")
    return seconds, peaks[0]


def _watch(pid: int, peaks: list[float], done: threading.Event) -> None:
    while not done.wait(SAMPLING_SECONDS):
        try:
            root = psutil.Process(pid)
            family = [root, *root.children(recursive=True)]
            peaks[0] = max(peaks[0], sum(each.memory_info().rss for each in family) / 1e6)
        except psutil.NoSuchProcess:
            continue


if __name__ == "__main__":
    sys.exit(main())
