"""The answer says what became of a race, and which of timm's backbones is best."""

import pytest

from bench.reporting.answer import answer_sentences
from bench.reporting.board_facts import BoardFacts, BoardRow, Left


def board(*rows: BoardRow, left: tuple[Left, ...] = ()) -> BoardFacts:
    return BoardFacts.model_construct(
        rows=rows, failed=(), left_race=left, resolution_floor_px=None, weak_evidence=False
    )


def row(model: str, rmse_px: float, rank: int | None, **more: object) -> BoardRow:
    return BoardRow(model=model, rmse_px=rmse_px, rank=rank, **more)  # type: ignore[arg-type]


def test_a_race_that_one_network_won() -> None:
    slow = Left(model="slow", looks=1, reason="worse", behind="ours", difference_px=1.0, interval_px=(0.5, 1.5))
    unpaid = Left(model="dear", looks=2, reason="unpaid", behind=None, difference_px=None, interval_px=None)
    found = answer_sentences(board(row("ours", 1.5, 1), row("slow", 2.5, None), left=(slow, unpaid)))
    assert found[1:] == ["No other network has all folds.", "Found worse, and left out of the race early: slow."]
    assert "the budget of the race paid for 2 folds" in unpaid.text


@pytest.mark.parametrize("best_is_timms", [True, False])
def test_the_best_of_timm_is_named_where_it_is_not_the_best_of_all(best_is_timms: bool) -> None:
    rows = [
        row("ours", 1.5, 1, of_timm=best_is_timms),
        row("vit", 2.5, 3, of_timm=True),
        row("res", 2.0, 2, of_timm=True),
    ]
    named = [text for text in answer_sentences(board(*rows)) if "timm" in text]
    assert named == ([] if best_is_timms else ["The best of timm's backbones is res: 2.00 px."])
