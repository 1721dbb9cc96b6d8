"""Kills, flipped bits, full disks, hostile files and misbehaving networks, at random: what was tried, what survived.

    python -m benchmarks.torture --minutes 60 [--seed 0]

Every trial ends with a comparison: the numbers are those of an undisturbed run, or what is missing was told. Prints the
counts; exit code 1 where anything was lost, silently wrong, or an internal error.
"""

import argparse
import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch
from PIL import Image

from bench.cli.main import main as command_line
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces

NETWORKS = """
import os, signal, sys, time, warnings
import torch
from torch import nn

class Good(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(144, 30))

    def forward(self, pictures):
        return self.layers(pictures)

class Slow(Good):
    def forward(self, pictures):
        if self.training and pictures.device.type != "meta":
            time.sleep(0.05)
        return super().forward(pictures)
"""
MISDEEDS = (
    "raise ValueError('broken')", "sys.exit(0)", "os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)",
    "torch.set_default_dtype(torch.float64)", "torch.set_flush_denormal(True)", "torch.set_num_threads(2)",
    "torch.backends.mkldnn.enabled = False", "torch.use_deterministic_algorithms(True)", "torch.manual_seed(3)",
    "torch.set_grad_enabled(False)", "os.environ['OMP_NUM_THREADS'] = '7'", "os.write(1, b'noise')",
    "print('noise')", "signal.signal(signal.SIGTERM, signal.SIG_IGN)", "sys.setrecursionlimit(90)",
    "warnings.simplefilter('error')", "torch.empty(2**50)", "os.fork() or time.sleep(60)", "sys.path.insert(0, '/')",
    "answer = answer[:1]", "answer = answer * float('nan')", "answer = answer[:, :7]", "answer = answer.double()",
    "answer = None", "os.chdir('/')", "os.close(0)", "sys.stdout.close()", "time.sleep(0.5)", "del torch.nn.Linear",
)  # fmt: skip
"""What a network does in training, and not while it is only built or counted."""

FACES, RESULTS, FOUND, TRIALS_OF = "faces.csv", "results", "found", "trials.json"
DATA = ("--data", FACES, "--groups", "people.csv", "--folds", "2")
RUN = ("run", *DATA, "--no-latency", "--seeds", "2")
CALM = (*RUN, "--models", "nets.py:Good,nets.py:Slow", "--epochs", "2")
SEARCH = (
    "tune", *DATA, "--epochs", "2", "--models", "nets.py:Good", "--search-epochs", "1", "--workers", "1",
    "--trials", "3", "--out", FOUND,
)  # fmt: skip
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
SURVIVED = ("the same numbers", "told", "refused in one line")

Trial = Callable[["Ground", random.Random], str]


@dataclass(frozen=True)
class Ground:
    """A folder with data and an undisturbed run, and a place for the trial under way."""

    calm: Path
    work: Path

    def fresh(self, *, recorded: bool) -> None:
        """Bring the place for a trial into its first state: with the records of the undisturbed run, or with none."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.calm, self.work)
        for name in (RESULTS, FOUND) if not recorded else ():
            shutil.rmtree(self.work / name)

    def end(self, arguments: Sequence[str] = CALM) -> str:
        """Run to the end, and compare with the undisturbed run."""
        done = bench(arguments, self.work)
        if done.returncode != 0:
            return f"exit code {done.returncode} at the end: {done.stderr.splitlines()[-1:]}"
        return "the same numbers" if predictions(self.work) == predictions(self.calm) else "other numbers"


def bench(arguments: Sequence[str], folder: Path, limit_bytes: int | None = None) -> "subprocess.CompletedProcess[str]":
    """The real command in a process of its own; no file of it grows beyond ``limit_bytes``."""

    def limit() -> None:
        if limit_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True,
        check=False, timeout=600, preexec_fn=limit,
    )  # fmt: skip


def called(arguments: Sequence[str], folder: Path) -> tuple[int, str]:
    """The same command in this process, which takes a tenth of the time: exit code and what it said on stderr."""
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            command_line(arguments)
        except SystemExit as ended:
            return int(ended.code or 0), said.getvalue()
    return 0, said.getvalue()


def predictions(folder: Path) -> dict[str, bytes]:
    """Predicted points of every cell under a results folder, by file."""
    found = {}
    for path in sorted((folder / RESULTS / "cells").glob("*/*.npz")):
        with np.load(path) as arrays:
            found[f"{path.parent.name}/{path.name}"] = arrays["predictions"].tobytes()
    return found


def board(folder: Path) -> dict[str, tuple[object, ...]]:
    """What a leaderboard says of each whole row."""
    rows = json.loads((folder / RESULTS / "leaderboard.json").read_text())["rows"]
    return {row["model"]: (row["rmse_px"], row["auc"]) for row in rows if row["rank"] is not None}


def kill_run(ground: Ground, generator: random.Random) -> str:
    """Three times; then let it end."""
    ground.fresh(recorded=False)
    for _ in range(3):
        if kill(CALM, ground.work, generator, 9.0):
            return "a worker outlived its driver"
    return ground.end()


def kill_search(ground: Ground, generator: random.Random) -> str:
    """Three times; then let it end, and compare what equal trials came to."""
    ground.fresh(recorded=False)
    for _ in range(3):
        if kill(SEARCH, ground.work, generator, 20.0):
            return "a worker outlived its driver"
    before, after = json.loads((ground.calm / TRIALS_OF).read_text()), trials(ground.work)
    if len(after) < len(before):
        return f"{len(after)} trials, undisturbed {len(before)}"
    return (
        "the same numbers" if all(before.get(one, value) == value for one, value in after.items()) else "other trials"
    )


def kill_report(ground: Ground, generator: random.Random) -> str:
    """Once; what stands there is whole, and the next report is the same."""
    ground.fresh(recorded=True)
    kill(("report",), ground.work, generator, 4.0)
    half = board(ground.work)
    called(("report", "--format", "json"), ground.work)
    return "the same numbers" if half == board(ground.work) == board(ground.calm) else "other numbers"


def kill(arguments: Sequence[str], folder: Path, generator: random.Random, within_s: float) -> list[psutil.Process]:
    """Signal a command or a process of its own at a random moment, then kill it; what outlived it by ten seconds."""
    process = begun(arguments, folder)
    time.sleep(generator.uniform(0.2, within_s))
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    victim = generator.choice([process.pid, *(one.pid for one in family)])
    how = generator.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSTOP])
    with contextlib.suppress(ProcessLookupError):
        os.kill(victim, how)
    time.sleep(generator.choice([0.0, 0.5]))
    process.kill()
    process.wait()
    return psutil.wait_procs(family, timeout=10)[1]


def begun(arguments: Sequence[str], folder: Path) -> "subprocess.Popen[bytes]":
    """The command, under way and silent."""
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments], cwd=folder, env=ENVIRONMENT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def trials(folder: Path) -> dict[str, float | None]:
    """Let a search end: what the trials that ended came to, by study and parameters.

    Raises:
        subprocess.CalledProcessError: it did not end well.
    """
    done = bench((*SEARCH, "--json"), folder)
    done.check_returncode()
    return {
        json.dumps([study["outer_fold"], trial["params"]], sort_keys=True): trial["value"]
        for study in json.loads(done.stdout)["studies"]
        for trial in study["trials"]
        if trial["state"] in ("complete", "pruned", "failed")
    }


def flip(ground: Ground, generator: random.Random) -> str:
    """Flip a bit of any record, and rebuild the board; one time in forty also run again."""
    ground.fresh(recorded=True)
    files = [
        path
        for path in (ground.calm / RESULTS).rglob("*")
        if path.suffix in (".json", ".npz") and path.parent.name != RESULTS
    ]
    path = generator.choice(sorted(files))
    content = bytearray(path.read_bytes())
    content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    damaged = ground.work / path.relative_to(ground.calm)
    damaged.write_bytes(content)
    code, said = called(("report", "--format", "json"), ground.work)
    told = path.name in "".join(said.split())
    if code not in (0, 2):
        verdict = f"exit code {code}: {said.splitlines()[-1:]}"
    elif code == 0 and not told and board(ground.work) != board(ground.calm):
        verdict = f"other numbers without a word: {path.name}"
    else:
        verdict = "told" if told or code == 2 else "the same numbers"
    if generator.random() < 1 / 40:
        verdict = ground.end() if verdict in SURVIVED else verdict
    return verdict


def flip_cache(ground: Ground, generator: random.Random) -> str:
    """Flip a bit of the parsed faces: they are the same, or parsed again."""
    source = FaceSource(ground.calm / FACES, "none")
    before = load_faces(source)
    images, keypoints = before.images.tobytes(), before.keypoints.tobytes()
    files = sorted(Path(os.environ["BENCH_CACHE_DIR"]).rglob("faces/*/*"))
    path = generator.choice(files)
    content = bytearray(path.read_bytes())
    content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    path.unlink()
    path.write_bytes(content)
    after = load_faces(source)
    same = (after.images.tobytes(), after.keypoints.tobytes()) == (images, keypoints)
    return "the same numbers" if same else "other faces without a word"


def feed(ground: Ground, generator: random.Random) -> str:
    """Hand a damaged or hostile file of any kind to a command."""
    kind = generator.choice(sorted(SAMPLES))
    content = bytearray(SAMPLES[kind](ground))
    for _ in range(generator.randint(1, 4)):
        place = generator.randrange(len(content))
        change = generator.randrange(4)
        if change == 0:
            content[place] = generator.randrange(256)
        elif change == 1:
            del content[place : place + generator.choice([1, 7, 400])]
        elif change == 2:
            content[place:place] = generator.choice(
                [b"\0", b"\x1b[2J", b"=1+1", b"[" * 3000, b"9" * 5000, b"\n", b"true"]
            )
        else:
            content[place] ^= 1 << generator.randrange(8)
        content = content or bytearray(b"\n")
    file = ground.work / f"fed.{kind}"
    file.write_bytes(content)
    command = {
        "csv": ("data", "check", file.name),
        "toml": ("latency", "--config", file.name, "--models", "mean_face"),
        "png": ("predict", file.name, "--model", "good.safetensors"),
        "safetensors": ("predict", "face.png", "--model", file.name),
        "pth": ("run", "--models", "resnet18", "--data", FACES, "--set", f"models.resnet18.weights={file.name}"),
    }[kind]
    code, said = called(command, ground.work)
    file.unlink()
    if code not in (0, 2):
        return f"{kind}: exit code {code}: {said.splitlines()[-1:]}"
    if any(one in said for one in "\x1b\x9b\x07"):
        return f"{kind}: a terminal would obey its message"
    return "refused in one line" if code == 2 else "told"


def misbehave(ground: Ground, generator: random.Random) -> str:
    """Train a misbehaving network beside a good one, which must not notice."""
    ground.fresh(recorded=False)
    misdeed = generator.choice(MISDEEDS)
    source = f"""
class Bad(Good):
    def forward(self, pictures):
        answer = super().forward(pictures)
        if self.training and pictures.device.type != "meta":
            {misdeed}
        return answer
"""
    (ground.work / "bad.py").write_text(NETWORKS + source)
    small = ("--models", "bad.py:Bad,nets.py:Good", "--epochs", "2", "--workers", "1", "--cell-timeout", "60")
    done = bench((*RUN, *small, "--json"), ground.work)
    if done.returncode not in (0, 1):
        return f"{misdeed}: exit code {done.returncode}: {done.stderr.splitlines()[-1:]}"
    json.loads(done.stdout)
    good = {name: kept for name, kept in predictions(ground.calm).items() if "good" in name}
    found = predictions(ground.work)
    return (
        "the same numbers"
        if all(found.get(name) == kept for name, kept in good.items())
        else f"{misdeed}: others differ"
    )


def fill_disk(ground: Ground, generator: random.Random) -> str:
    """Let no file grow beyond a random size, as on a disk that fills; then run again with room."""
    ground.fresh(recorded=False)
    done = bench(CALM, ground.work, int(10 ** generator.uniform(1, 5)))
    if done.returncode not in (0, 1, 2) or "Traceback" in done.stderr:
        return f"exit code {done.returncode}: {done.stderr.splitlines()[-1:]}"
    return ground.end()


def two_drivers(ground: Ground, generator: random.Random) -> str:
    """Two runs in one folder at once."""
    ground.fresh(recorded=False)
    other = begun(CALM, ground.work)
    time.sleep(generator.uniform(0, 3))
    verdict = ground.end()
    return verdict if other.wait() == 0 else f"the other driver ended with {other.returncode}"


def step_clock(ground: Ground, generator: random.Random) -> str:
    """Date all records a random time ahead or back, and ask for other epochs: the new run is what is shown."""
    ground.fresh(recorded=True)
    year = generator.choice(["1970", "2019", "2077"])
    for path in (ground.work / RESULTS / "asked").rglob("*.json"):
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "asked": year + record["asked"][4:]}))
    done = bench((*CALM[:-1], "1"), ground.work)
    rows = json.loads((ground.work / RESULTS / "leaderboard.json").read_text())["rows"]
    shown = {row["epochs"] for row in rows if row["kind"] == "network"}
    return ("told" if "ahead" in done.stderr else "the same numbers") if shown == {1} else f"shown are {shown} epochs"


def _saved(write: Callable[[Path], object], suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"sample.{suffix}"
        write(path)
        return path.read_bytes()


SAMPLES: dict[str, Callable[[Ground], bytes]] = {
    "csv": lambda ground: (ground.calm / FACES).read_bytes()[:60_000],
    "toml": lambda _: b'[run]\nfolds = 3\nmodels = ["plain_cnn"]\n[recipe]\nlr = 0.01\n[models.plain_cnn]\nwidth = 8\n',
    "png": lambda ground: (ground.calm / "face.png").read_bytes(),
    "safetensors": lambda ground: (ground.calm / "good.safetensors").read_bytes(),
    "pth": lambda _: _saved(
        lambda path: torch.save({"conv1.weight": torch.zeros(4, 4), 3: torch.ones(2)}, path), "pth"
    ),
}

TRIALS: dict[str, tuple[Trial, float]] = {
    "runs killed three times": (kill_run, 0.34),
    "searches killed three times": (kill_search, 0.19),
    "reports killed": (kill_report, 0.08),
    "flipped bits of records": (flip, 0.11),
    "flipped bits of the cache": (flip_cache, 0.05),
    "hostile files": (feed, 0.02),
    "misbehaving networks": (misbehave, 0.06),
    "full disks": (fill_disk, 0.05),
    "two drivers": (two_drivers, 0.05),
    "clock steps": (step_clock, 0.05),
}
"""Each kind of trial, and its share of the time."""


def prepare(folder: Path) -> Ground:
    """Draw faces, write the networks, and run once undisturbed.

    Raises:
        subprocess.CalledProcessError: what is to be tortured does not even run.
    """
    ground = Ground(folder / "calm", folder / "work")
    ground.calm.mkdir()
    (ground.calm / "nets.py").write_text(NETWORKS)
    noise = np.random.default_rng(0).integers(0, 256, (120, 120), dtype=np.uint8)
    Image.fromarray(noise).save(ground.calm / "face.png")
    bench(("data", "synth", "--rows", "40", "--people", "10", "--out", FACES), ground.calm).check_returncode()
    next(ground.calm.glob("*people*.csv")).rename(ground.calm / "people.csv")
    weights = ("--set", "models.plain_cnn.width=4", "--to", "good.safetensors")
    bench(("fit", "--model", "plain_cnn", "--data", FACES, "--epochs", "1", *weights), ground.calm).check_returncode()
    bench(CALM, ground.calm).check_returncode()
    (ground.calm / TRIALS_OF).write_text(json.dumps(trials(ground.calm)))
    shutil.copytree(ground.calm, ground.work)
    return ground


def torture(ground: Ground, minutes: float, seed: int) -> Counter[tuple[str, str]]:
    """Trials until the time is over; how often each kind came to each verdict. A bad one is told with its number."""
    counts: Counter[tuple[str, str]] = Counter()
    spent = dict.fromkeys(TRIALS, 0.0)
    ends, number = time.monotonic() + 60 * minutes, 0
    while time.monotonic() < ends:
        name = min(TRIALS, key=lambda kind: spent[kind] / TRIALS[kind][1])
        started = time.monotonic()
        verdict = TRIALS[name][0](ground, random.Random(f"{seed}/{number}"))
        spent[name] += time.monotonic() - started
        counts[name, verdict] += 1
        if verdict not in SURVIVED:
            sys.stderr.write(f"seed {seed}/{number}, {name}: {verdict}\n")
        number += 1
    return counts


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["BENCH_CACHE_DIR"] = ENVIRONMENT["BENCH_CACHE_DIR"] = f"{name}/cache"
        counts = torture(prepare(Path(name)), asked.minutes, asked.seed)
    sys.stdout.write(f"{asked.minutes:g} minutes, seed {asked.seed}\n")
    for (kind, verdict), count in sorted(counts.items()):
        sys.stdout.write(f"{count:7,}  {kind}: {verdict}\n")
    return 0 if all(verdict in SURVIVED for _, verdict in counts) else 1


if __name__ == "__main__":
    sys.exit(main())
