"""What stands behind the ties: every model against the best, where the variance comes from, what would sharpen it."""

from collections.abc import Mapping
from math import isfinite, isnan
from typing import Any

from bench.comparing.ranking import Ranking
from bench.reporting.board_facts import BoardFacts
from bench.reporting.board_notes import WAYS
from bench.reporting.number_text import NOTHING, format_seconds, interval_text, probability_text
from bench.reporting.tables import FactTable


def evidence(board: BoardFacts, ranking: Ranking) -> list[FactTable]:
    """The tables that have something in them."""
    facts = board.comparison
    found = (_sharper(facts), _against_best(board, ranking), _tail(facts), _variance(ranking))
    return [table for table in found if table.lines]


def _sharper(facts: Mapping[str, Any]) -> FactTable:
    head = ("change", "from", "to", "expected resolution floor, px", "95 % interval", "more training")
    floor = facts["resolution_floor"] or {"lowered_by": None}
    lines = [
        (f"more {WAYS[one['means']]}", str(one["from"]), str(one["to"]), f"{one['floor_px']:.2f}",
         interval_text(one["interval_px"]), format_seconds(one["extra_minutes"] * 60))
        for one in floor["lowered_by"] or ()
    ]  # fmt: skip
    now = f", now {floor['difference_px']:.2f} px" if lines else ""
    return FactTable("evidence-sharper", f"What would lower the resolution floor{now}", head, lines)


def keypoint_winners(board: BoardFacts) -> FactTable | None:
    """Who is better than every other network at a keypoint; None where there are not two networks to compare."""
    lines = [
        (one["keypoint"].replace("_", " "), one["best"], one["winner"] or NOTHING, ", ".join(one["tied"]) or NOTHING)
        for one in board.comparison["keypoint_winners"]
    ]
    head = ("keypoint", "lowest error", "better than all others", "not told apart from the lowest")
    title = "Which network wins at which keypoint, corrected for the number of comparisons"
    return FactTable("keypoint-winners", title, head, lines) if lines and len(board.candidates) > 1 else None


def _tail(facts: Mapping[str, Any]) -> FactTable:
    lines = [
        (model, f"{one['rmse_px']:.2f}", interval_text(one["ci95"]))
        for model, one in facts["worst_5_percent_rmse_px"].items()
        if one["rmse_px"] is not None
    ]
    return FactTable("evidence-tail", "The worst 5 % of rows of each", ("model", "RMSE px", "95 % interval"), lines)


def _against_best(board: BoardFacts, ranking: Ranking) -> FactTable:
    best = next((row.model for row in board.candidates), None)
    head = ("model", "behind by, px", "95 % interval", "p", "p after Holm", "told apart", "floor of the pair, px")
    lines = [_pair_line(ranking, best, model) for model in ranking.order if best is not None and model != best]
    return FactTable("evidence-best", f"Every model against the best network, {best}", head, lines)


def _pair_line(ranking: Ranking, best: str, model: str) -> tuple[str, ...]:
    test = ranking.pair(best, model)
    sign = 1 if test.a == model else -1
    behind = f"{sign * test.difference_px:+.3f}"
    if isnan(test.standard_error_px):  # the run says nothing
        return model, behind, *[NOTHING] * 5
    low, high = sorted(sign * bound for bound in test.interval_px)
    apart = "no" if not test.apart else "yes, better" if test.better == model else "yes"
    floor = f"{test.floor_px:.2f}" if isfinite(test.floor_px) else NOTHING
    chances = (probability_text(test.p), probability_text(test.p_holm))
    return model, behind, f"{low:+.3f} to {high:+.3f}", *chances, apart, floor


def _variance(ranking: Ranking) -> FactTable:
    head = ("model", "standard error, px", "groups scored, %", "training seed, %", "data split, %")
    lines = []
    for model, parts in ranking.variance_px2.items():
        if parts.weak or parts.variance <= 0:
            continue
        shares = (parts.people, parts.seed_people + parts.seed_cell, parts.data_split)
        lines.append((model, f"{parts.variance**0.5:.3f}", *(f"{100 * each / parts.variance:.0f}" for each in shares)))
    return FactTable("evidence-variance", "Where the uncertainty of each RMSE comes from", head, lines)
