"""What a board says of an ensemble whose member a race dropped, and what would complete it."""

from pathlib import Path

import pytest

from bench.errors import RecordError
from bench.records.keys import protocol_digest
from bench.records.schema import AskedRecord, RaceFacts
from bench.reporting.board import Board
from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results

TOGETHER = "ensemble:near+far"


def race(out: Path, folds_of_far: int, noise_px: float = 9.0, **of_far: int) -> Board:
    """A board of two networks and their mean, of which one has so many folds."""
    store = draw_results(
        out, DrawnResults([DrawnModel("near", 1.0), DrawnModel("far", noise_px)], rows=400, people=200)
    )
    facts = RaceFacts(level=0.01, models=("near", "far"))
    for record in store.asked():
        own = of_far if record.model == "far" else {}
        write(store.write_asked, record.model_copy(update={"race": facts.model_copy(update=own)}))
    write(store.write_asked, record.model_copy(update={"model": TOGETHER, "kind": "ensemble", "variant_digest": "e"}))
    for cell in store.cells_of("far"):
        if cell.fold >= folds_of_far:
            store.cell_path("far", cell.key).unlink()
    return Board.of(out)


def write(into, record: AskedRecord) -> None:  # type: ignore[no-untyped-def]
    into(record, protocol_digest(record.dataset, record.protocol))


def test_an_ensemble_of_a_dropped_member_says_so_in_its_flags(tmp_path: Path) -> None:
    board = race(tmp_path, 1)
    flags = board.table.loc[TOGETHER, "flags"]
    assert "far: left the race after 1 fold: " in flags
    assert "behind near" in flags
    assert board.table.loc["near", "flags"] == ""


def test_an_ensemble_of_an_unpaid_member_says_so_too(tmp_path: Path) -> None:
    flags = race(tmp_path, 2, unpaid_after=2).table.loc[TOGETHER, "flags"]
    assert "far: " in flags and "the budget of the race paid for 2 folds" not in flags, "worse after the first already"
    flags = race(tmp_path / "near", 2, noise_px=1.1, unpaid_after=2).table.loc[TOGETHER, "flags"]
    assert "far: the budget of the race paid for 2 folds" in flags


@pytest.mark.parametrize(
    ("folds", "of_far", "told"),
    [
        (1, {}, "is incomplete: far left the race after 1 fold: .* behind near; the same `bench run` without --race"),
        (0, {"unpaid_after": 0}, "is incomplete: far the budget of the race paid for no fold; .* without --race"),
    ],
)
def test_to_compare_what_a_race_left_incomplete_it_must_run_without_race(
    tmp_path: Path, folds: int, of_far: dict[str, int], told: str
) -> None:
    with pytest.raises(RecordError, match=f"model '.*' {told} trains the rest"):
        race(tmp_path, folds, **of_far).compare(TOGETHER, "near")


def test_to_compare_a_network_that_no_fold_was_paid_for_is_no_riddle(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="'far' is incomplete: the budget of the race paid for no fold; the same"):
        race(tmp_path, 0, unpaid_after=0).compare("near", "far")
