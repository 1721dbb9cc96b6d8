"""How long will it take? A short measured probe of each architecture, before anything long begins."""

from collections.abc import Sequence
from dataclasses import replace

from bench.running.plan import Cell
from bench.running.task import FoldTask
from bench.running.worker_process import WorkerProcess

PROBE_BATCHES = 4
PROBE_EPOCHS = 3
PROBE_TIMEOUT_S = 120.0


def probe_cell_seconds(cells: Sequence[Cell], worker: WorkerProcess, limit_s: float | None = None) -> dict[str, float]:
    """Seconds that one cell of each network among ``cells`` will take, by model.

    A few batches are trained for three epochs; the first pays for allocation and kernel choice and is not counted. A
    model whose probe fails, or takes longer than a cell may (``limit_s``), is left out: its cells will tell why.
    """
    limit_s = min(limit_s or PROBE_TIMEOUT_S, PROBE_TIMEOUT_S)
    seconds: dict[str, float | None] = {}
    for cell in cells:
        if cell.kind == "network" and cell.model not in seconds:
            seconds[cell.model] = _probe(worker, cell.task, limit_s)
    return {model: measured for model, measured in seconds.items() if measured is not None}


def _probe(worker: WorkerProcess, task: FoldTask, limit_s: float) -> float | None:
    rows, recipe, scheme = task.train_rows[: PROBE_BATCHES * task.recipe.batch_size], task.recipe, task.variant.scheme
    probed = recipe.model_copy(update={"epochs": PROBE_EPOCHS, "growing_fraction": 0.0})
    short = replace(
        task,
        train_rows=rows,
        scored_rows=task.scored_rows[:8],
        variant=task.variant.model_copy(update={"recipe": probed}),
        keep_weights=None,
    )
    outcome = worker.run(short, lambda _: None, limit_s)
    if outcome.predictions is None or len(outcome.curve) < PROBE_EPOCHS:
        return None
    warm = outcome.curve[-1].seconds - outcome.curve[0].seconds
    per_row = warm / (PROBE_EPOCHS - 1) / len(rows)
    # Small pictures cost what they have in pixels.
    whole = sum((recipe.side_px(epoch, scheme) / scheme.side_px) ** 2 for epoch in range(recipe.epochs))
    return per_row * len(task.train_rows) * whole


def total_seconds(cells: Sequence[Cell], cell_seconds: dict[str, float], workers: int) -> float:
    """Wall time of all ``cells`` on ``workers`` processes: the mean load, but never less than the longest cell."""
    costs = [cell_seconds.get(cell.model, 0.0) for cell in cells]
    return max(sum(costs) / max(workers, 1), max(costs, default=0.0))
