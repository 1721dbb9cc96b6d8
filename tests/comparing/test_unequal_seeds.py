"""Rows with unlike numbers of seeds, and with fewer folds, on one board."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.comparing.choosing import probability_best
from bench.comparing.collecting import Collected, collect
from bench.comparing.ranking import rank_losses
from bench.comparing.row_losses import RowLosses, row_losses
from bench.comparing.spread import spread
from bench.comparing.verdict import compare
from bench.measuring.accuracy import finite_mean, squared_errors
from bench.records.store import RecordStore
from bench.reporting import material
from bench.reporting.verdict_words import verdict_words
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


def cut(losses: RowLosses, lacking: Sequence[Sequence[tuple[int, int]]]) -> RowLosses:
    """Without these (fold, seed) of each model."""
    found = [squared.copy() for squared in losses.squared_px2]
    for squared, places in zip(found, lacking, strict=True):
        for fold, seed in places:
            squared[seed, losses.folds == fold] = np.nan
    return replace(losses, squared_px2=tuple(found))


SEED_2 = [(fold, 2) for fold in range(5)]


@pytest.mark.parametrize(
    "lacking",
    [
        ((), ()),
        ((), SEED_2),
        ([(0, 0), (1, 0)], [(2, 1), (3, 2)]),
        ([(0, 0), (1, 1), (2, 2)], [(0, 1), (0, 2), *SEED_2]),
        ([(0, 0), (0, 1)], [(0, 2)]),
    ],
    ids=["equal", "a seed less", "cells here and there", "no whole seed", "a fold without a shared seed"],
)
def test_equal_architectures_of_unequal_seeds_are_called_different_as_often_as_claimed(
    lacking: Sequence[Sequence[tuple[int, int]]],
) -> None:
    """Equal numbers of seeds do no better: parts of a variance are never below zero, so tests are cautious."""
    layout = Layout(people=40, rows_each=3)
    drawn = (draw_losses([2.0, 2.0], layout, noise=0.1, seed=1000 + run) for run in range(150))
    p = np.array([rank_losses(cut(losses, lacking)).pairs[0].p for losses in drawn])
    assert 0.005 <= np.mean(p < 0.05) <= 0.08
    assert 0.35 <= np.mean(p < 0.5) <= 0.57


@pytest.mark.parametrize("noise", [0.03, 0.3])
def test_one_seed_against_three_is_called_different_no_more_often_than_claimed(noise: float) -> None:
    layout = Layout(people=40, rows_each=3)
    drawn = (draw_losses([2.0, 2.0], layout, noise=noise, seed=2000 + run) for run in range(150))
    p = np.array([rank_losses(trimmed(losses, (3, 1))).pairs[0].p for losses in drawn])
    assert np.mean(p < 0.05) <= 0.08


def test_standard_errors_of_unequal_seeds_are_those_of_many_drawn_boards() -> None:
    """Of the difference by what both have, and of each model's own error: on the average, as large as it scatters."""
    layout = Layout(people=40, rows_each=3)
    lacking = ([(0, 0), (1, 0), (2, 0)], [(2, 1), *SEED_2])
    found = [spread(cut(draw_losses([2.0, 2.0], layout, 0.2, seed), lacking)) for seed in range(200)]
    for values, variances in (
        ([one.difference_px[0, 1] for one in found], [one.variance[0, 1] for one in found]),
        ([one.rmse_px[0] for one in found], [one.variance[0, 0] for one in found]),
        ([one.rmse_px[1] for one in found], [one.variance[1, 1] for one in found]),
    ):
        assert 0.9 <= np.sqrt(np.mean(variances)) / np.std(values) <= 1.4


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


def test_a_seed_that_lacks_a_fold_counts_with_the_others_and_a_row_that_lacks_one_stands_below(
    board: RecordStore,
) -> None:
    whole = collect(board)
    without(board, "rival", (2, 1))
    found = collect(board)
    assert found.selection.entries["rival"].whole_seeds == 2
    assert "rival" in found.ranking.order and not found.selection.entries["rival"].complete
    assert found.observations.seeds["rival"] == (0, 1, 2)
    fold_2 = found.observations.fold_of_row == 2
    before, after = whole.observations.predictions["rival"], found.observations.predictions["rival"]
    assert np.isnan(after[1, fold_2]).all()
    assert np.array_equal(after[1, ~fold_2], before[1, ~fold_2])
    without(board, "rival", (2, 0), (2, 2))
    found = collect(board)
    assert found.ranking.order == ("best",)
    assert len(found.observations.predictions["rival"]) == 3


def test_a_row_whose_seeds_have_all_folds_together_is_ranked_by_the_error_that_is_printed(board: RecordStore) -> None:
    without(board, "rival", (0, 0), (1, 1), (2, 2))
    found = material.collect(board)
    assert "rival" in found.ranking.order
    (row,) = (row for row in found.facts.rows if row.model == "rival")
    losses = row_losses(found.observations.only(["rival"]))
    assert row.rmse_px == pytest.approx(losses.rmse_px[0], abs=1e-4)
    assert "0 of 3 seeds complete" in row.flags
    every_row = finite_mean(squared_errors(found.observations.predictions["rival"], found.observations.truth))
    assert row.rmse_px == pytest.approx(np.sqrt(np.nanmean(every_row)), abs=1e-4)


def test_a_pair_is_tested_on_the_cells_that_both_have(board: RecordStore) -> None:
    """The other cells of either do not move the difference, nor do rows of a fold with fewer seeds count for less."""
    without(board, "rival", (2, 1), (0, 2))
    without(board, "best", (4, 0))
    found = collect(board)
    pair = found.ranking.pair("best", "rival")
    observed = found.observations
    both = np.isfinite(observed.predictions["best"]) & np.isfinite(observed.predictions["rival"])
    errors = {
        model: np.sqrt(
            np.nanmean(finite_mean(squared_errors(np.where(both, observed.predictions[model], np.nan), observed.truth)))
        )
        for model in ("best", "rival")
    }
    assert pair.difference_px == pytest.approx(errors[pair.a] - errors[pair.b], rel=1e-9)
    verdict = compare(observed, found.ranking, "best", "rival")
    assert verdict.of_what_both_have and "RMSE by the folds and seeds that both have" in verdict_words(verdict)
    assert verdict.rmse_px == pytest.approx((errors[pair.a], errors[pair.b]), rel=1e-9)
    assert verdict.trained.difference_px == pytest.approx(pair.difference_px, rel=1e-9)


def test_where_two_models_share_no_seed_each_stands_with_its_own() -> None:
    losses = draw_losses([2.0, 2.2], Layout(seeds=2))
    apart = replace(
        losses,
        squared_px2=(losses.squared_px2[0][:1], losses.squared_px2[1][1:]),
        seed_numbers={"net_0": (0,), "net_1": (1,)},
    )
    found = spread(apart)
    assert found.difference_px[0, 1] == found.rmse_px[0] - found.rmse_px[1]


def test_seeds_are_paired_by_their_number() -> None:
    """An ensemble that lacks seed 0 is compared with its member's seeds 1 and 2, whatever their order."""
    losses = draw_losses([2.0, 2.2], noise=0.2)
    member, other = losses.squared_px2
    mean = (member + other) / 2
    names = ("ensemble:net_0+net_1", "net_0")
    kinds = {names[0]: "ensemble", names[1]: "network"}
    cut = replace(
        losses,
        models=names,
        kinds=kinds,
        squared_px2=(mean[1:], member[[2, 0, 1]]),
        seed_numbers={names[0]: (1, 2), names[1]: (2, 0, 1)},
    )
    plain = replace(losses, models=names, kinds=kinds, squared_px2=(mean[1:], member[1:]))
    assert spread(cut).variance[0, 1] == pytest.approx(spread(plain).variance[0, 1])
    assert spread(cut).difference_px[0, 1] == pytest.approx(spread(plain).difference_px[0, 1])


def test_the_seeds_of_one_row_inform_its_test_against_a_row_of_one_seed() -> None:
    restless = draw_losses([2.0, 2.0], noise=0.5)
    calm = draw_losses([2.0, 2.0], noise=0.0)
    losses = replace(restless, squared_px2=(restless.squared_px2[0], calm.squared_px2[1][:1]))
    found = spread(losses)
    noise = found.seed_people[0, 0] + found.seed_cell[0, 0]
    assert found.variance[0, 1] >= 2 * noise > 0


def test_an_ensemble_averages_the_seeds_that_its_members_share(board: RecordStore) -> None:
    without(board, "rival", (2, 1))
    found = collect(board)
    best, rival, both = (found.observations.by_seed(model) for model in ("best", "rival", "ensemble:best+rival"))
    assert list(both) == [0, 1, 2]
    for seed in both:
        assert both[seed] == pytest.approx((best[seed] + rival[seed]) / 2, abs=1e-4, nan_ok=True)
    assert "ensemble:best+rival" in found.ranking.order
    without(board, "rival", (2, 0))
    without(board, "best", (2, 2))
    found = collect(board)
    assert found.ranking.order == ("best", "rival")


def test_a_file_of_predictions_is_read_once(board: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = RecordStore.predictions
    monkeypatch.setattr(RecordStore, "predictions", lambda self, cell: (read.append(cell.key), whole(self, cell))[1])
    collect(board)
    assert read and len(read) == len(set(read))
