"""Rows with unlike numbers of seeds, and with fewer folds, on one board."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.comparing.choosing import probability_best
from bench.comparing.collecting import Collected, collect
from bench.comparing.ranking import rank_losses
from bench.comparing.row_losses import RowLosses
from bench.comparing.spread import spread
from bench.records.store import RecordStore
from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results
from tests.comparing.losses import Layout, draw_losses


def trimmed(losses: RowLosses, seeds: tuple[int, ...]) -> RowLosses:
    kept = tuple(found[:count] for found, count in zip(losses.squared_px2, seeds, strict=True))
    return replace(losses, squared_px2=kept)


def without(store: RecordStore, model: str, *places: tuple[int, int]) -> None:
    """Remove a model's cells at these (fold, seed)."""
    for cell in store.cells():
        if cell.model == model and (cell.fold, cell.seed) in places:
            store.cell_path(model, cell.key).unlink()


@pytest.fixture
def board(tmp_path: Path) -> RecordStore:
    models = [DrawnModel("best", 1.2), DrawnModel("rival", 1.5), DrawnModel("ensemble:best+rival", 0, kind="ensemble")]
    return draw_results(tmp_path, DrawnResults(models, seeds=3))


def asked_with(store: RecordStore, model: str, seeds: int) -> Collected:
    """Ask for a model again, with another number of seeds, in a run of its own."""
    record = next(record for record in store.asked() if record.model == model)
    name = collect(store).selection.protocol_name
    store.write_asked(record.model_copy(update={"seeds": seeds, "asked": "2026-02-02T00:00:00+00:00"}), name)
    return collect(store)


@pytest.mark.parametrize("seeds", [(3, 2), (4, 2), (3, 3)])
def test_equal_architectures_of_unequal_seeds_are_called_different_as_often_as_claimed(seeds: tuple[int, int]) -> None:
    """Equal numbers of seeds do no better: parts of a variance are never below zero, so tests are cautious."""
    layout = Layout(people=40, rows_each=3, seeds=4)
    drawn = (draw_losses([2.0, 2.0], layout, noise=0.1, seed=1000 + run) for run in range(200))
    p = np.array([rank_losses(trimmed(losses, seeds)).pairs[0].p for losses in drawn])
    assert 0.005 <= np.mean(p < 0.05) <= 0.08
    assert 0.35 <= np.mean(p < 0.5) <= 0.57


def test_every_seed_of_either_model_informs_the_test_of_their_pair() -> None:
    drawn = draw_losses([2.0, 2.1], noise=0.2)
    errors = {seeds: rank_losses(trimmed(drawn, seeds)).pairs[0].degrees for seeds in ((2, 2), (3, 2), (3, 3))}
    assert errors[2, 2] < errors[3, 2] or errors[3, 2] < errors[3, 3]
    mixed = rank_losses(trimmed(drawn, (3, 1)))
    assert mixed.weak and mixed.pairs[0].weak
    chances = probability_best(spread(trimmed(drawn, (3, 2))))
    assert chances is not None and chances.sum() == pytest.approx(1)


def test_a_row_is_ranked_by_its_own_seeds(board: RecordStore) -> None:
    found = asked_with(board, "rival", 2)
    assert set(found.ranking.order) == {"best", "rival", "ensemble:best+rival"}
    assert {model: len(one) for model, one in found.observations.predictions.items()} == {
        "best": 3, "rival": 2, "ensemble:best+rival": 2,
    }  # fmt: skip
    assert found.ranking.floor is not None and not found.ranking.weak


def test_a_seed_that_lacks_a_fold_is_left_out_and_a_row_without_a_whole_seed_stands_below(board: RecordStore) -> None:
    without(board, "rival", (2, 1))
    found = collect(board)
    assert found.selection.entries["rival"].whole_seeds == (0, 2)
    assert found.observations.seeds["rival"] == (0, 2)
    assert "rival" in found.ranking.order and not found.selection.entries["rival"].complete
    without(board, "rival", (2, 0), (2, 2))
    found = collect(board)
    assert found.ranking.order == ("best",)
    assert len(found.observations.predictions["rival"]) == 3


def test_an_ensemble_averages_the_seeds_that_its_members_share(board: RecordStore) -> None:
    without(board, "rival", (2, 1))
    found = collect(board)
    best, rival, both = (found.observations.by_seed(model) for model in ("best", "rival", "ensemble:best+rival"))
    assert list(both) == [0, 2]
    assert both[2] == pytest.approx((best[2] + rival[2]) / 2, abs=1e-4)
    without(board, "rival", (1, 0), (1, 2))
    assert "ensemble:best+rival" not in collect(board).ranking.order


def test_a_file_of_predictions_is_read_once(board: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = RecordStore.predictions
    monkeypatch.setattr(RecordStore, "predictions", lambda self, cell: (read.append(cell.key), whole(self, cell))[1])
    collect(board)
    assert read and len(read) == len(set(read))
