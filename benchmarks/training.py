"""Training five folds: ours against the tutorial's loop, skorch and Lightning, in turns, with what each one reaches.

    python -m benchmarks.training --data data/KeyFacialPoints.csv --groups identities.csv --models plain_cnn

Two questions. *Speed*: images per second while ``--speed-folds`` folds are trained for ``--speed-epochs`` epochs, in
``--rounds`` rounds in which every way has one turn, in another order each time. *Error*: the RMSE that each reaches
over all folds with ``--error-epochs`` epochs, once, with the wall time. Same folds, modules, epochs, resolution and
batch; augmentation is on in ours and off in theirs. skorch also runs with as many jobs as there are workers of ours,
since a user might find that out. Peers run in an environment of their own, made on first use.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.faces.face_set import FaceSource
from bench.faces.folds import assign_folds
from bench.faces.loading import load_faces
from bench.keywords import configuration
from bench.measuring.environment import describe_environment
from bench.processes.cores import usable_cores
from bench.running.variants import CURATED
from benchmarks.training_ways.environment import peers_python
from benchmarks.training_ways.spec import Outcome, Spec

ROOT = Path(__file__).parents[1]
FOLDS = 5


@dataclass(frozen=True)
class Way:
    """One way to write the same training: its script, the processes it may use."""

    name: str
    script: str
    workers: int = 1
    peers: bool = True


def ways(workers: int) -> list[Way]:
    """Ours first."""
    return [
        Way("ours", "ours", workers, peers=False),
        Way("tutorial", "tutorial"),
        Way("skorch", "skorch_way"),
        Way(f"skorch, {workers} jobs", "skorch_way", workers),
        Way("lightning", "lightning_way"),
    ]


def run(way: Way, spec: Spec, folder: Path) -> Outcome:
    """One turn in a process of its own."""
    asked = folder / "spec.json"
    asked.write_text(json.dumps(asdict(replace(spec, workers=way.workers))))
    python = spec.peers_python or peers_python() if way.peers else sys.executable
    command = [python, "-W", "ignore", "-m", f"benchmarks.training_ways.{way.script}", asked]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


def decode(data: Path, groups: str, target: Path) -> None:
    """Write faces and folds for the ways that have no reader."""
    faces = load_faces(FaceSource(data, groups))
    if not np.isfinite(faces.keypoints).all():
        raise SystemExit(f"error: {data}: some keypoints are not labelled, which the peers cannot take; use other data")
    np.savez(target, images=faces.images, keypoints=faces.keypoints, fold_of_row=assign_folds(faces, FOLDS, 0))


def speed(given: argparse.Namespace, spec: Spec, asked: Sequence[Way], folder: Path) -> dict[str, Any]:
    """Images per second of each way in each round."""
    found: dict[str, list[float]] = {way.name: [] for way in asked}
    generator = random.Random(0)
    for number in range(given.rounds):
        for way in generator.sample(asked, len(asked)):
            outcome = run(way, replace(spec, epochs=given.speed_epochs, folds=range_of(given.speed_folds)), folder)
            found[way.name].append(outcome.images / outcome.seconds)
            sys.stderr.write(f"{spec.model} round {number}: {way.name} {found[way.name][-1]:.0f} images/s\n")
    table = {}
    for name, rates in found.items():
        ratios = [mine / theirs for mine, theirs in zip(found["ours"], rates, strict=True)]
        table[name] = {
            "images_per_second": round(statistics.median(rates), 1),
            "spread": [round(min(rates), 1), round(max(rates), 1)],
            "ours_over_it": round(statistics.median(ratios), 3),
            "ratio_spread": [round(min(ratios), 3), round(max(ratios), 3)],
        }
    return table


def error(given: argparse.Namespace, spec: Spec, asked: Sequence[Way], folder: Path) -> dict[str, Any]:
    """RMSE over all folds and the wall time of each way."""
    table = {}
    for way in asked:
        outcome = run(way, replace(spec, epochs=given.error_epochs, folds=range_of(FOLDS)), folder)
        table[way.name] = {"rmse_px": round(outcome.rmse_px(), 4), "seconds": round(outcome.seconds, 1)}
        sys.stderr.write(f"{spec.model}: {way.name} {outcome.rmse_px():.3f} px in {outcome.seconds:.0f} s\n")
    return table


def range_of(count: int) -> list[int]:
    """0, 1, ..., count - 1."""
    return list(range(count))


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--groups", default="auto")
    parser.add_argument("--models", default="plain_cnn,resnet_custom", help="Names, or curated.")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--speed-epochs", type=int, default=2)
    parser.add_argument("--speed-folds", type=int, default=2)
    parser.add_argument("--error-epochs", type=int, default=10)
    parser.add_argument("--ways", default="", help="Only these, by name, beside ours.")
    parser.add_argument("--parts", default="speed,error")
    parser.add_argument("--device", default="cpu", help="cpu or cuda, which skorch is not told.")
    parser.add_argument("--peers-python", default="", help="An interpreter that has the peers, instead of making one.")
    given = parser.parse_args()
    workers = usable_cores() if given.device == "cpu" else 1
    asked = [way for way in ways(workers) if not given.ways or way.name in ("ours", *given.ways.split(","))]
    document: dict[str, Any] = {
        "environment": describe_environment(given.device),
        "settings": {**vars(given), "data": given.data.name},
    }
    for path in ("groups", "peers_python"):
        document["settings"].pop(path)
    with tempfile.TemporaryDirectory(prefix="training-") as name:
        folder = Path(name)
        decode(given.data, given.groups, folder / "faces.npz")
        named = configuration(given.models, {}).run.models if given.models == CURATED else given.models.split(",")
        for model in named:
            spec = Spec(
                str(given.data.resolve()),
                absolute(given.groups),
                str(folder / "faces.npz"),
                model,
                1,
                given.batch,
                [0],
                device=given.device,
                peers_python=given.peers_python,
            )
            parts = given.parts.split(",")
            document[model] = {
                **({"speed": speed(given, spec, asked, folder)} if "speed" in parts else {}),
                **({"error": error(given, spec, asked, folder)} if "error" in parts else {}),
            }
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


def absolute(groups: str) -> str:
    """A groups file by its whole path; a column name or a mode as it is."""
    return str(Path(groups).resolve()) if Path(groups).exists() else groups


if __name__ == "__main__":
    main()
