"""Is the second commit slower than the first? Every path that a user waits for, both commits in turns.

    python -m benchmarks.two_commits main~1 main [--data data/KeyFacialPoints.csv] [--rounds 5]

Both commits are checked out beside each other and only their commands are used, so that commits whose modules differ
can be compared. Each round runs each path once for either commit, in an order drawn anew. A path is called slower
where both the median of the ratios and the ratio of the fastest runs exceed 1.10: the second is what a busy moment
cannot forge. Without --data, synthetic faces. Exit code 1 where a path is slower.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measuring.environment import describe_environment

ROOT = Path(__file__).parents[1]
SLOWER = 1.10
TRAINING = ("--epochs", "3", "--folds", "2", "--no-latency")
PATHS: dict[str, tuple[str, ...]] = {
    "help": ("--help",),
    "models": ("models",),
    "load cold": ("data", "check", "{data}"),
    "load warm": ("data", "check", "{data}"),
    "train plain_cnn": ("run", "--models", "plain_cnn", "--data", "{data}", *TRAINING, "--out", "{out}"),
    "train resnet_custom": ("run", "--models", "resnet_custom", "--data", "{data}", *TRAINING, "--out", "{out}"),
    "nothing left to train": ("run", "--models", "resnet_custom", "--data", "{data}", *TRAINING, "--out", "{out}"),
    "report": ("report", "--out", "{out}"),
}
"""In this order: a warm load needs a cold one before it, a report needs results."""


@dataclass(frozen=True)
class Side:
    """One commit, where it lies and where it may write."""

    commit: str
    tree: Path
    scratch: Path

    def seconds(self, path: str, data: Path, number: int) -> float:
        """Wall time of one path in a fresh process; its cache and results belong to this round."""
        out, cache = self.scratch / f"results-{number}", self.scratch / f"cache-{number}"
        words = [word.format(data=data, out=out) for word in PATHS[path]]
        environment = {**os.environ, "PYTHONPATH": str(self.tree), "BENCH_CACHE_DIR": str(cache)}
        command = [sys.executable, "-m", "bench", *words]
        started = time.perf_counter()
        done = subprocess.run(command, cwd=self.scratch, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        if done.returncode != 0:
            raise SystemExit(
                f"error: {self.commit}: `bench {' '.join(words)}` ended with {done.returncode}: {done.stderr}"
            )
        return seconds


@contextmanager
def checked_out(commits: Sequence[str], folder: Path) -> Iterator[list[Side]]:
    """Each commit in a work tree of its own, gone afterwards."""
    sides = []
    try:
        for name, commit in zip(("first", "second"), commits, strict=True):
            tree, scratch = folder / name, folder / f"{name}-scratch"
            scratch.mkdir()
            git("worktree", "add", "--detach", str(tree), commit)
            sides.append(Side(git("rev-parse", "--short", commit), tree, scratch))
        yield sides
    finally:
        for side in sides:
            git("worktree", "remove", "--force", str(side.tree))


def git(*words: str) -> str:
    """What git prints; its own words where it refuses."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"error: git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def compare(sides: Sequence[Side], data: Path, rounds: int) -> dict[str, Any]:
    """Seconds of either commit and their ratio, per path."""
    found: dict[str, list[list[float]]] = {path: [[], []] for path in PATHS}
    generator = random.Random(0)
    for number in range(rounds):
        for path in PATHS:
            for place in generator.sample((0, 1), 2):
                found[path][place].append(sides[place].seconds(path, data, number))
            sys.stderr.write(f"round {number}: {path}: {found[path][0][-1]:.2f} s and {found[path][1][-1]:.2f} s\n")
    return {path: verdict(*seconds) for path, seconds in found.items()}


def verdict(first: Sequence[float], second: Sequence[float]) -> dict[str, Any]:
    """Medians, the ratio second / first with its spread, and whether the second is slower."""
    ratios = [after / before for before, after in zip(first, second, strict=True)]
    return {
        "first_s": round(statistics.median(first), 3),
        "second_s": round(statistics.median(second), 3),
        "ratio": round(statistics.median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "slower": statistics.median(ratios) > SLOWER and min(second) / min(first) > SLOWER,
    }


def main() -> int:
    """Compare and print one JSON document; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--data", type=Path, help="Synthetic faces where not given.")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="two-commits-") as name:
        folder = Path(name)
        data = given.data.resolve() if given.data else folder / "faces.csv"
        if given.data is None:
            words = ["data", "synth", "--rows", "1000", "--out", str(data)]
            subprocess.run([sys.executable, "-m", "bench", *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        with checked_out([given.first, given.second], folder) as sides:
            paths = compare(sides, data, given.rounds)
            commits = [side.commit for side in sides]
    document = {"environment": describe_environment(), "commits": commits, "paths": paths}
    sys.stdout.write(json.dumps(document, indent=1) + "\n")
    return 1 if any(path["slower"] for path in paths.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
