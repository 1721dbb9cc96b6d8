"""Can the latency figures be believed? Three checks on this machine, printed as one JSON document.

1. Pairs of ``bench latency`` runs: by how much the medians differ, and whether the order is the same.
2. The same module in the same process, our turns and ``torch.utils.benchmark`` alternating.
3. A processor hog per core, started in the middle of a measurement: are the disturbed rounds taken again?

Run it on an idle machine: ``python benchmarks/latency_repeatability.py --pairs 5 --models plain_cnn,resnet_custom``.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch.utils.benchmark import Timer

from bench.config.latency import LatencySettings
from bench.measuring.environment import describe_environment
from bench.measuring.latency.measure import LatencyProgress, TimedModel, measure_latencies
from bench.measuring.latency.networks import FORWARD, Plan, TorchNetwork
from bench.measuring.latency.percentiles import latency_rows
from bench.measuring.latency.stopwatch import Stopwatch
from bench.processes.cores import usable_cores
from bench.records.store import RecordStore


def measured(models: list[str], settings: LatencySettings) -> list[dict[str, Any]]:
    """Headline row of each model from a fresh measurement."""
    timed = [TimedModel(model, model, variant_digest=model) for model in models]
    with tempfile.TemporaryDirectory() as folder:
        store = RecordStore(Path(folder))
        measure_latencies(timed, settings, store, lambda _: None)
        rows, _, _ = latency_rows(store.latencies(), models)
    return rows


def pairs_of_runs(models: list[str], pairs: int, settings: LatencySettings) -> dict[str, Any]:
    """Consecutive measurements, two by two: relative differences of the p50 of each model, and the orders."""
    runs = [measured(models, settings) for _ in range(2 * pairs)]
    p50 = [{row["model"]: row["latency_ms"]["p50"] for row in rows} for rows in runs]
    differences = [
        abs(one[model] - other[model]) / min(one[model], other[model])
        for one, other in list(pairwise(p50))[::2]
        for model in models
    ]
    orders = {tuple(sorted(models, key=each.__getitem__)) for each in p50}
    return {
        "p50_ms": p50,
        "median_difference_percent": 100 * statistics.median(differences),
        "largest_difference_percent": 100 * max(differences),
        "orders": sorted(orders),
        "unstable": sum(row["latency_ms"]["unstable"] for rows in runs for row in rows),
    }


def against_torch_benchmark(model: str, rounds: int, turn_s: float) -> dict[str, Any]:
    """Our median and that of ``torch.utils.benchmark`` on one module, in one process, taken in turns."""
    network, stopwatch = TorchNetwork(Plan(TimedModel(model, model))), Stopwatch()
    stopwatch.watch(network)
    call_ms = stopwatch.warm_up(FORWARD, 5.0).call_ms
    picture = network.inputs(1)[0]
    timer = Timer("module(picture)", globals={"module": network.predictor.passes, "picture": picture}, num_threads=1)
    ours, theirs = [], []
    for _ in range(rounds):
        ours += stopwatch.turn(FORWARD, max(1, round(1000 * turn_s / call_ms))).samples_ms
        with torch.inference_mode():
            theirs += [1000 * each for each in timer.blocked_autorange(min_run_time=turn_s).times]
    difference = statistics.median(ours) / statistics.median(theirs) - 1
    return {
        "model": model,
        "ours_ms": statistics.median(ours),
        "torch_benchmark_ms": statistics.median(theirs),
        "difference_percent": 100 * difference,
    }


def with_hogs(model: str, settings: LatencySettings) -> dict[str, Any]:
    """A measurement during which, from a third of the rounds to two thirds, every core has a hog for company."""
    hogs: list[subprocess.Popen[bytes]] = []
    rounds_heard = 0

    def on_progress(progress: LatencyProgress) -> None:
        nonlocal rounds_heard
        rounds_heard += progress.rounds_taken is not None
        if rounds_heard == settings.rounds // 3 and not hogs:
            hogs.extend(subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(usable_cores()))
        if rounds_heard == 2 * settings.rounds // 3:
            for hog in hogs:
                hog.kill()

    with tempfile.TemporaryDirectory() as folder:
        store = RecordStore(Path(folder))
        try:
            records = measure_latencies([TimedModel(model, model)], settings, store, on_progress)
        finally:
            for hog in hogs:
                hog.kill()
                hog.wait()
    (record,) = [record for record in records if not record.end_to_end]
    return {
        "model": model,
        "p50_ms": statistics.median(ms for each in record.samples_ms for ms in each),
        "rounds_disturbed": settings.rounds // 3,
        "rounds_retaken": record.rounds_retaken,
        "unstable": record.unstable,
    }


def main() -> None:
    """Run the checks that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="plain_cnn,resnet_custom")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--turn-seconds", type=float, default=0.25)
    parser.add_argument("--parts", default="pairs,torch,hogs")
    given = parser.parse_args()
    models, parts = given.models.split(","), given.parts.split(",")
    settings = LatencySettings(rounds=given.rounds, extra_rounds=2 * given.rounds, turn_s=given.turn_seconds)
    document: dict[str, Any] = {"environment": describe_environment()}
    if "pairs" in parts:
        document["pairs"] = pairs_of_runs(models, given.pairs, settings)
    if "torch" in parts:
        document["torch_benchmark"] = [
            against_torch_benchmark(model, given.rounds, given.turn_seconds) for model in models
        ]
    if "hogs" in parts:
        document["hogs"] = with_hogs(models[0], settings.model_copy(update={"starts": 1}))
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
