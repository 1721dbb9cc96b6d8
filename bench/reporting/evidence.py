"""What stands behind the ties: every model against the best, where the variance comes from, what would sharpen it."""

from collections.abc import Mapping
from typing import Any

from bench.comparing.ranking import Ranking
from bench.reporting.facts import NOTHING, FactTable
from bench.reporting.markdown import format_seconds

MEANS = {"seeds": "training seeds", "folds": "folds", "people": "people"}


def evidence(document: Mapping[str, Any], ranking: Ranking) -> list[FactTable]:
    """The tables that have something in them."""
    found = (_sharper(document), _against_best(document, ranking), _tail(document), _variance(ranking))
    return [table for table in found if table.lines]


def _sharper(document: Mapping[str, Any]) -> FactTable:
    head = ("change", "from", "to", "expected resolution floor, px", "more training")
    floor = document["comparison"]["resolution_floor"] or {"lowered_by": ()}
    lines = tuple(
        (f"more {MEANS[one['means']]}", str(one["from"]), str(one["to"]), f"{one['floor_px']:.2f}",
         format_seconds(one["extra_minutes"] * 60))
        for one in floor["lowered_by"]
    )  # fmt: skip
    now = f", now {floor['difference_px']:.2f} px" if lines else ""
    return FactTable("evidence-sharper", f"What would lower the resolution floor{now}", head, lines)


def keypoint_winners(document: Mapping[str, Any]) -> FactTable | None:
    """Who is better than every other network at a keypoint; None where there are not two networks to compare."""
    found = document["comparison"]["keypoint_winners"]
    networks = [row for row in document["rows"] if row["kind"] != "gate" and row["rank"] is not None]
    lines = tuple(
        (one["keypoint"].replace("_", " "), one["best"], one["winner"] or NOTHING, ", ".join(one["tied"]) or NOTHING)
        for one in found
        if one["best"] is not None
    )
    head = ("keypoint", "lowest error", "better than all others", "not told apart from the lowest")
    title = "Which network wins at which keypoint, corrected for the number of comparisons"
    return FactTable("keypoint-winners", title, head, lines) if lines and len(networks) > 1 else None


def _tail(document: Mapping[str, Any]) -> FactTable:
    lines = tuple(
        (model, f"{one['rmse_px']:.2f}", f"{one['ci95'][0]:.2f} to {one['ci95'][1]:.2f}" if one["ci95"] else NOTHING)
        for model, one in document["comparison"]["worst_5_percent_rmse_px"].items()
        if one["rmse_px"] is not None
    )
    return FactTable("evidence-tail", "The worst 5 % of faces of each", ("model", "RMSE px", "95 % interval"), lines)


def _against_best(document: Mapping[str, Any], ranking: Ranking) -> FactTable:
    gates = {row["model"] for row in document["rows"] if row["kind"] == "gate"}
    best = next((model for model in ranking.order if model not in gates), None)
    head = ("model", "behind by, px", "95 % interval", "p", "p after Holm", "told apart")
    lines = tuple(_pair_line(ranking, best, model) for model in ranking.order if best is not None and model != best)
    return FactTable("evidence-best", f"Every model against the best network, {best}", head, lines)


def _pair_line(ranking: Ranking, best: str, model: str) -> tuple[str, ...]:
    test = ranking.pair(best, model)
    sign = 1 if test.a == model else -1
    low, high = sorted(sign * bound for bound in test.interval_px)
    known = test.standard_error_px == test.standard_error_px  # NaN where the run says nothing
    return (
        model,
        f"{sign * test.difference_px:+.3f}",
        f"{low:+.3f} to {high:+.3f}" if known else NOTHING,
        _probability(test.p) if known else NOTHING,
        _probability(test.p_holm) if known else NOTHING,
        NOTHING if not known else "no" if test.better is None else "yes, better" if test.better == model else "yes",
    )


def _probability(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _variance(ranking: Ranking) -> FactTable:
    head = ("model", "standard error, px", "people scored, %", "training seed, %", "data split, %")
    lines = []
    for model, parts in ranking.variance_px2.items():
        if parts.weak or parts.variance <= 0:
            continue
        shares = (parts.people, parts.seed_people + parts.seed_cell, parts.data_split)
        lines.append((model, f"{parts.variance**0.5:.3f}", *(f"{100 * each / parts.variance:.0f}" for each in shares)))
    return FactTable("evidence-variance", "Where the uncertainty of each RMSE comes from", head, tuple(lines))
