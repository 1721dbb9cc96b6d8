"""How many cells an hour, with one worker, two, and (simulated) eight to sixty-four?

    python -m benchmarks.scaling --data data/KeyFacialPoints.csv --groups identities.csv
    python -m benchmarks.scaling --results results          # only the simulation, from recorded cell times

Measured: ``bench run`` of two small networks with one worker and with two, in turns, everything included. Simulated:
the cells of a results folder, ``--copies`` times over, handed to more workers in the order in
which the engine hands them out; nothing slows anything else down, so this bounds what the order alone costs.
"""

import argparse
import heapq
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.measuring.environment import describe_environment
from bench.records.store import RecordStore

SMALL = ["--set", "models.plain_cnn.width=8", "--set", "models.resnet_custom.width=8", "--epochs", "3", "--no-latency"]


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """Cells of networks per hour by number of workers."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(given.rounds):
        for workers, found in rates.items():
            with tempfile.TemporaryDirectory() as out:
                words = ["--data", given.data, "--groups", given.groups, "--workers", str(workers), "--out", out]
                command = [sys.executable, "-m", "bench", "run", *words, *SMALL]
                started = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                seconds = time.perf_counter() - started
                cells = len(cell_seconds(Path(out)))
            found.append(3600 * cells / seconds)
            sys.stderr.write(f"{workers} workers: {found[-1]:.0f} cells/h\n")
    medians = {workers: statistics.median(found) for workers, found in rates.items()}
    ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    return {
        "cells_per_hour": {str(workers): round(rate) for workers, rate in medians.items()},
        "two_over_one": round(statistics.median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


def cell_seconds(out: Path) -> list[float]:
    """Training and scoring seconds of every network's cell."""
    records = [record for record in RecordStore(out).cells() if record.kind == "network"]
    return [(record.train_seconds or 0.0) + (record.predict_seconds or 0.0) for record in records]


def makespan(seconds: Sequence[float], workers: int) -> float:
    """Wall time when each free worker takes the next cell in order."""
    free = [0.0] * workers
    for each in seconds:
        heapq.heappush(free, heapq.heappop(free) + each)
    return max(free)


def simulated(seconds: Sequence[float], copies: int) -> list[dict[str, float]]:
    """Cells per hour and the share of the workers' time that is used."""
    cells = list(seconds) * copies
    rows = []
    for workers in (1, 2, 8, 16, 32, 64):
        wall_s = makespan(cells, workers)
        rows.append(
            {
                "workers": workers,
                "cells": len(cells),
                "cells_per_hour": round(3600 * len(cells) / wall_s),
                "efficiency_percent": round(100 * sum(cells) / (workers * wall_s), 1),
            }
        )
    return rows


def main() -> None:
    """Measure, simulate and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data")
    parser.add_argument("--groups", default="auto")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--copies", type=int, default=20, help="How often the recorded cells are in the simulation.")
    given = parser.parse_args()
    if given.data is None and given.results is None:
        parser.error("give --data to measure, --results to simulate, or both")
    document: dict[str, Any] = {"environment": describe_environment()}
    if given.data is not None:
        document["measured"] = measured(given)
    if given.results is not None:
        document["simulated"] = simulated(cell_seconds(given.results), given.copies)
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
