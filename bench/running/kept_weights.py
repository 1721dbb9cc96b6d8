"""Weights that a run kept: those of the very cell that is asked for, as they were written."""

import logging
from pathlib import Path

from bench.config.model_names import architecture_of
from bench.errors import ModelError
from bench.records.reading import set_aside
from bench.records.schema import CellRecord
from bench.records.weight_facts import WeightsFacts, kept_weights_path, read_weights_facts
from bench.running.task import cell_seed

logger = logging.getLogger(__name__)


def kept_weights(out: Path, cell: CellRecord) -> Path | None:
    """The file with a cell's weights; None where there is none. What else stands there is told and set aside."""
    path = kept_weights_path(out, cell.key)
    if not path.is_file():
        return None
    try:
        if _are_of(cell, read_weights_facts(path)):
            return path
        trouble = f"weights {path}: of another cell"
    except ModelError as error:
        trouble = str(error).rpartition(";")[0]  # without the remedy
    logger.warning("%s; set aside, and `bench run --keep-weights` makes them again", trouble)
    set_aside(path)
    return None


def _are_of(cell: CellRecord, facts: WeightsFacts) -> bool:
    """By what weights have always told: the network, the data, and the seed, which is another in each fold."""
    seed = cell_seed(cell.protocol.seed, cell.fold, cell.seed)
    told = (facts.model, facts.options, facts.fingerprint, facts.train_rows, facts.seed)
    asked = (architecture_of(cell.model), cell.variant.options, cell.dataset.fingerprint, cell.train_rows, seed)
    return told == asked
