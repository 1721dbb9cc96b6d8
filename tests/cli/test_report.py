"""``bench report`` as a real process on drawn records."""

from pathlib import Path

import pytest

from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results
from tests.conftest import RunBench

NAME = "a|b & <i>`c`"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    models = [
        DrawnModel(NAME, 1.5, failed_folds=(1,)),
        *(DrawnModel(f"net_{place:02d}", 0.5 * 1.3**place) for place in range(28)),
        DrawnModel("ridge", 2.4, kind="gate", latency_ms=None),
    ]
    draw_results(tmp_path / "results", DrawnResults(models, seeds=2))
    return tmp_path / "results"


def test_the_terminal_shows_names_as_typed_and_the_letters_of_the_page(run_bench: RunBench, results: Path) -> None:
    done = run_bench("report")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(NAME in line and "incomplete: 8 of 10 cells" in line for line in lines)
    (last,) = (line for line in lines if "net_27" in line)
    assert "29 (AB)" in last
    assert "in four cases out of five" in done.stdout and "To resolve smaller differences: " in done.stdout
    markdown = (results / "leaderboard.md").read_text()
    assert r"a\|b &amp; &lt;i>'c'" in markdown and NAME not in markdown
    assert "29 (AB)" in markdown


def test_formats_are_chosen_by_name(run_bench: RunBench, results: Path) -> None:
    assert run_bench("report", "--format", "md, csv,md").returncode == 0
    assert sorted(path.name for path in results.glob("*.*")) == ["leaderboard.csv", "leaderboard.md"]


@pytest.mark.usefixtures("results")
def test_an_unknown_format_is_refused_in_one_line(run_bench: RunBench) -> None:
    done = run_bench("report", "--format", "md,pdf")
    assert done.returncode == 2
    assert done.stderr == "error: --format pdf: unknown; choose among md,json,csv,html\n"
