"""The leaderboard of a drawn store, word for word, and markup that no name can break.

After a change that is meant: ``python -m tests.reporting.test_golden`` writes the golden file anew; read its diff.
"""

import tempfile
from pathlib import Path

import numpy as np

from bench.records.keys import protocol_digest
from bench.records.store import RecordStore
from bench.reporting.board_notes import letter_notes
from bench.reporting.markdown import leaderboard_markdown
from bench.reporting.material import collect
from bench.reporting.number_text import format_count, format_seconds
from bench.reporting.report_files import FORMATS
from bench.reporting.row_errors import RowErrors
from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results

GOLDEN = Path(__file__).parent / "golden" / "leaderboard.md"


def drawn(out: Path) -> RecordStore:
    models = [
        DrawnModel("heatmap_net", 1.2, latency_ms=6.2, parameters=3_100_000),
        DrawnModel("plain_cnn", 1.9, latency_ms=3.1, parameters=1_200_000),
        DrawnModel("a|b`c<script>", 1.5, latency_ms=1.6, parameters=400_000),
        DrawnModel("loser", 2.6, latency_ms=None),
        DrawnModel("diverging_net", 2.1, failed_folds=(1,)),
        DrawnModel("mean_face", 4.6, kind="gate", latency_ms=None),
        DrawnModel("ridge", 2.4, kind="gate", latency_ms=None),
    ]
    return draw_results(out, DrawnResults(models, seeds=2))


def test_the_leaderboard_is_the_golden_one(tmp_path: Path) -> None:
    assert leaderboard_markdown(collect(drawn(tmp_path)).facts) == GOLDEN.read_text()


def test_an_incomplete_model_is_shown_but_not_ranked(tmp_path: Path) -> None:
    document = collect(drawn(tmp_path)).document
    row = next(row for row in document["rows"] if row["model"] == "diverging_net")
    assert row["rank"] is None
    assert any(flag.startswith("incomplete") for flag in row["flags"])
    assert {failure["model"] for failure in document["failed"]} == {"diverging_net"}


def test_latencies_of_another_machine_are_counted_and_not_shown(tmp_path: Path) -> None:
    store = drawn(tmp_path)
    (known, *_) = store.latencies()
    elsewhere = {**known.environment, "processor": "another"}
    store.write_latency(known.model_copy(update={"key": "elsewhere", "environment": elsewhere}))
    board = collect(store).facts
    document = board.document()
    assert document["unlike_latencies"] == 1
    assert "Latency records of other machines, not shown: 1." in leaderboard_markdown(board)
    assert all(row["latency_ms"] is None or len(row["latencies"]) == 1 for row in document["rows"])


def test_a_letter_that_skips_a_rank_is_explained(tmp_path: Path) -> None:
    board = collect(drawn(tmp_path)).facts
    assert letter_notes(board) == []
    letters = ("A", "B", "A", "C", "BC", "C")
    rows = [row.model_copy(update={"letters": tuple(each)}) for row, each in zip(board.ranked, letters, strict=True)]
    skipping = board.model_copy(update={"rows": tuple(rows)})
    (note,) = letter_notes(skipping)
    assert f"A letter can skip a rank: {rows[2].model} (A), {rows[4].model} (BC)." in note
    assert "A letter can skip a rank" in leaderboard_markdown(skipping)


def test_a_network_and_a_gate_are_judged_on_the_rows_that_both_predicted() -> None:
    """Over all its rows the gate has the smaller error; on the one that the network has predicted so far, not."""
    squared_px2 = {"net": np.array([1.0, np.nan]), "ridge": np.array([1.5, 0.1])}
    errors = RowErrors(squared_px2, np.ones(2), {})
    assert not errors.not_better("net", "ridge")
    assert errors.not_better("ridge", "net")
    squared_px2["net"][:] = np.nan
    assert not errors.not_better("net", "ridge")


def test_records_of_earlier_code_are_flagged(tmp_path: Path) -> None:
    store = drawn(tmp_path)
    asked = store.asked()[0].model_copy(update={"kind": "ensemble", "order": 9})
    for model, digest in (("ensemble:heatmap_net+plain_cnn", "e1"), ("ensemble:plain_cnn+loser", "e2")):
        again = asked.model_copy(update={"model": model, "variant_digest": digest})
        store.write_asked(again, protocol_digest(asked.dataset, asked.protocol))
    for cell in list(store.cells()):
        if cell.model in ("heatmap_net", "ridge"):
            variant = cell.variant.model_copy(update={"code_digest": "of other code"})
            path = store.cell_path(cell.model, cell.key)
            path.write_text(cell.model_copy(update={"variant": variant}).model_dump_json(by_alias=True))
    flags = {row.model: row.flags for row in collect(store).rows}
    assert flags["heatmap_net"] == flags["ridge"] == ("earlier code",)
    assert flags["ensemble:heatmap_net+plain_cnn"] == ("earlier code",), "its members' cells are behind its numbers"
    assert flags["plain_cnn"] == flags["ensemble:plain_cnn+loser"] == ()


def test_a_flattened_column_does_not_stand_beside_its_parts(tmp_path: Path) -> None:
    """Gates have no recipe and no latency: the columns are those of the networks."""
    columns = FORMATS["csv"](collect(drawn(tmp_path))).partition("\n")[0].split(",")
    assert {"recipe.lr", "latency_ms.p50", "rmse_px_ci95.low", "tuned", "flags"} <= set(columns)
    assert not {"recipe", "latency_ms", "per_keypoint_rmse_px"} & set(columns)


def test_numbers_for_reading() -> None:
    assert [format_count(value) for value in (None, 12, 1234, 5_670_000, 2.5e9)] == [
        "–",
        "12",
        "1.23 k",
        "5.67 M",
        "2.5 G",
    ]
    assert [format_seconds(value) for value in (None, 4.21, 42, 185, 7800)] == [
        "–",
        "4.2 s",
        "42 s",
        "3 min 05 s",
        "2 h 10 min",
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        GOLDEN.write_text(leaderboard_markdown(collect(drawn(Path(folder))).facts))
