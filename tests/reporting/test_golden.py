"""The leaderboard of a drawn store, word for word, and markup that no name can break.

After a change that is meant: ``python -m tests.reporting.test_golden`` writes the golden file anew; read its diff.
"""

import tempfile
from pathlib import Path

from bench.records.store import RecordStore
from bench.reporting.markdown import format_count, format_seconds, leaderboard_markdown, letter_notes
from bench.reporting.material import collect
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
    assert leaderboard_markdown(collect(drawn(tmp_path)).document) == GOLDEN.read_text()


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
    document = collect(store).document
    assert document["unlike_latencies"] == 1
    assert "Latency records of other machines, not shown: 1." in leaderboard_markdown(document)
    assert all(row["latency_ms"] is None or len(row["latencies"]) == 1 for row in document["rows"])


def test_a_letter_that_skips_a_rank_is_explained(tmp_path: Path) -> None:
    document = collect(drawn(tmp_path)).document
    assert letter_notes(document) == []
    ranked = [row for row in document["rows"] if row["rank"] is not None]
    for row, group in zip(ranked, (1, 2, 1, 3, 2, 3), strict=True):
        row["tie_group"] = group
    (note,) = letter_notes(document)
    assert f"A letter can skip a rank: {ranked[2]['model']} (A), {ranked[4]['model']} (B)." in note
    assert "A letter can skip a rank" in leaderboard_markdown(document)


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
        GOLDEN.write_text(leaderboard_markdown(collect(drawn(Path(folder))).document))
