"""Cells that one process trains side by side: as on CUDA, with the rule that asks for it put aside."""

from pathlib import Path

import numpy as np
import pytest

from bench.config.loading import load_config
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces
from bench.records.schema import CurvePoint
from bench.running import local
from bench.running.local import LocalEngine
from bench.running.plan import Cell, make_plan
from bench.running.task import FoldOutcome

NETWORKS = Path(__file__).parent / "networks.py"


class Listening:
    """Notes what became of each cell."""

    def __init__(self) -> None:
        self.epochs: dict[str, list[int]] = {}
        self.ended: dict[str, tuple[FoldOutcome, int]] = {}

    def cell_started(self, cell: Cell) -> bool:
        assert cell.key not in self.epochs
        self.epochs[cell.key] = []
        return True

    def epoch_ended(self, cell: Cell, point: CurvePoint) -> None:
        self.epochs[cell.key].append(point.epoch)

    def cell_ended(self, cell: Cell, outcome: FoldOutcome, attempts: int) -> None:
        self.ended[cell.key] = outcome, attempts


def networks(csv: Path, *models: str) -> list[Cell]:
    source = FaceSource(csv, "none")
    run = {"models": models, "data": csv, "groups": "none", "folds": 3, "epochs": 2, "out": csv.parent / "results"}
    plan = make_plan(load_config(None, (), run), source, load_faces(source))
    return [cell for cell in plan.cells if cell.kind == "network"]


def executed(cells: list[Cell], together: int) -> Listening:
    heard, engine = Listening(), LocalEngine(1, together=together)
    try:
        engine(cells, heard)
    finally:
        engine.close()
    return heard


def test_side_by_side_each_cell_ends_as_by_itself(faces_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = networks(faces_csv, "plain_cnn", f"{NETWORKS}:Drawing")
    one_by_one = executed(cells, 1)
    monkeypatch.setattr(local, "may_share", lambda _: True)
    beside = executed(cells, 4)
    assert beside.epochs == one_by_one.epochs == {cell.key: [1, 2] for cell in cells}
    for cell in cells:
        (own, tries), (other, _) = beside.ended[cell.key], one_by_one.ended[cell.key]
        assert tries == 1
        assert own.predictions is not None
        assert np.array_equal(own.predictions, other.predictions)


def test_what_ends_the_process_of_many_ends_one_of_them(
    faces_csv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(local, "may_share", lambda _: True)
    cells = networks(faces_csv, f"{NETWORKS}:Killed", "plain_cnn")
    heard = executed(cells, 6)
    causes = {cell.model.rpartition(":")[2]: heard.ended[cell.key][0].cause for cell in cells}
    assert causes == {"Killed": "killed", "plain_cnn": None}
    assert all(attempts == 2 for _, attempts in heard.ended.values())
