"""Ours: the cells of ``bench run`` on its local engine, augmentation and all; only the epochs are given."""

import time
from contextlib import closing
from pathlib import Path

from bench.config.loading import load_config
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces
from bench.records.schema import CurvePoint
from bench.running.local import LocalEngine
from bench.running.plan import Cell, make_plan
from bench.running.run import cells_together
from bench.running.task import FoldOutcome
from benchmarks.training_ways.spec import Outcome, Spec, parse_model, serve, squared_errors


class Clock:
    """Hears the engine: when the first training began, and what each cell gave."""

    def __init__(self) -> None:
        self.began = float("inf")
        self.outcomes: list[tuple[Cell, FoldOutcome]] = []

    def cell_started(self, cell: Cell) -> bool:
        """Every cell is wanted."""
        del cell
        return True

    def epoch_ended(self, cell: Cell, point: CurvePoint) -> None:
        """An epoch tells how long ago its training began."""
        del cell
        self.began = min(self.began, time.perf_counter() - point.seconds)

    def cell_ended(self, cell: Cell, outcome: FoldOutcome, attempts: int) -> None:
        """Keep the outcome."""
        del attempts
        self.outcomes.append((cell, outcome))


def work(spec: Spec) -> Outcome:
    """All folds over ``workers`` processes of one thread each."""
    source = FaceSource(Path(spec.data), spec.groups)
    faces = load_faces(source)
    name, options = parse_model(spec.model)
    run = {"models": (name,), "data": Path(spec.data), "groups": spec.groups, "epochs": spec.epochs}
    settings = [
        f"recipe.batch_size={spec.batch_size}",
        *([] if spec.growing else ["recipe.growing_fraction=0"]),
        *(f"models.{name}.{key}={each}" for key, each in options.items()),
    ]
    config = load_config(None, settings, {**run, "seed": spec.seed, "device": spec.device})
    plan = make_plan(config, source, faces)
    cells = [cell for cell in plan.cells if cell.kind == "network" and cell.fold in spec.folds]
    clock = Clock()
    with closing(LocalEngine(spec.workers, together=cells_together(spec.device))) as engine:
        engine(cells, clock)
    seconds = time.perf_counter() - clock.began
    squared, images, coordinates = [], 0, []
    for cell, outcome in sorted(clock.outcomes, key=lambda ended: list(spec.folds).index(ended[0].fold)):
        if outcome.predictions is None:
            raise RuntimeError(f"{cell.model} fold {cell.fold}: {outcome.reason}")
        truth = faces.keypoints[cell.task.scored_rows]
        squared.append(squared_errors(outcome.predictions, truth))
        images += len(cell.task.train_rows) * spec.epochs
        coordinates.append(truth.size)
    return Outcome(seconds, images, squared, coordinates)


if __name__ == "__main__":
    serve(work)
