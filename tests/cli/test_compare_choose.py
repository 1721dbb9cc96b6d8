"""``bench compare`` and ``bench choose`` as real processes on drawn records."""

import json
import re
from pathlib import Path

import pytest

from bench.cli.options import parse_count
from bench.errors import ConfigError
from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results
from tests.conftest import RunBench


@pytest.fixture
def results(tmp_path: Path) -> Path:
    models = [
        DrawnModel("heavy_net", 1.0, latency_ms=9.0, parameters=4_000_000),
        DrawnModel("fast_net", 1.5, latency_ms=2.0, parameters=900_000),
        DrawnModel("twin_net", 1.5, latency_ms=2.0, parameters=800_000),
        DrawnModel("broken_net", 1.0, failed_folds=(1,)),
        DrawnModel("ridge", 0.5, kind="gate", latency_ms=None),
    ]
    draw_results(tmp_path / "results", DrawnResults(models, seeds=2))
    return tmp_path / "results"


@pytest.mark.usefixtures("results")
def test_compare_says_in_one_paragraph_who_is_better(run_bench: RunBench) -> None:
    done = run_bench("compare", "fast_net", "heavy_net")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith("heavy_net is the better architecture by ")
    document = json.loads(run_bench("compare", "fast_net", "heavy_net", "--json").stdout)
    assert document["better"] == "heavy_net"
    assert {document["a"], document["b"]} == {"fast_net", "heavy_net"}
    assert document["interval_px"][1] < 0 and document["pairs"] == 3
    assert len(document["keypoints"]) == 15


@pytest.mark.usefixtures("results")
def test_choose_takes_the_best_that_fits_and_never_a_gate(run_bench: RunBench) -> None:
    document = json.loads(run_bench("choose", "--json").stdout)
    assert document["model"] == "heavy_net"
    assert document["probability_best"] > 0.95
    assert [one["model"] for one in document["runners_up"]] in (["fast_net", "twin_net"], ["twin_net", "fast_net"])
    limited = json.loads(run_bench("choose", "--max-ms", "5", "--max-params", "2M", "--json").stdout)
    assert limited["model"] in ("fast_net", "twin_net")
    assert list(limited["left_out"]) == ["heavy_net"]
    assert re.fullmatch(r"latency 9\.\d+ ms above 5", limited["left_out"]["heavy_net"])
    assert limited["probability_best"] + limited["runners_up"][0]["probability_best"] == pytest.approx(1)
    shown = run_bench("choose", "--max-ms", "5")
    assert "best with probability 0." in shown.stdout and "Runners-up: " in shown.stdout
    assert "best with probability above 0.99 among the 3 that fit" in run_bench("choose").stdout
    assert "px RMSE, the only network that fits." in run_bench("choose", "--max-params", "850k").stdout


@pytest.mark.usefixtures("results")
def test_choose_warns_of_what_flags_the_chosen_one(run_bench: RunBench) -> None:
    done = run_bench("choose", "--json")
    assert "warning: heavy_net: loses to ridge" in done.stderr
    assert json.loads(done.stdout)["flags"] == ["loses to ridge"]


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("compare", "fast_ne", "heavy_net"), "did you mean fast_net"),
        (("compare", "broken_net", "heavy_net"), "is incomplete"),
        (("compare", "fast_net", "fast_net"), "named twice"),
        (("choose", "--max-ms", "0.1"), "no network fits"),
        (("choose", "--max-params", "few"), "--max-params few"),
        (("choose", "--max-ms", "nan"), "--max-ms nan: expected a number above zero"),
        (("choose", "--max-mb", "0"), "--max-mb 0: expected a number above zero"),
        (("choose", "--out", "nowhere"), "--out nowhere: holds no results"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(
    run_bench: RunBench, arguments: tuple[str, ...], told: str
) -> None:
    done = run_bench(*arguments)
    assert done.returncode == 2
    assert told in done.stderr and done.stdout == ""


@pytest.mark.parametrize(("text", "count"), [("2M", 2e6), ("500k", 5e5), ("1.5G", 1.5e9), ("12345", 12345.0)])
def test_counts_have_units(text: str, count: float) -> None:
    assert parse_count("--max-params", text) == count


@pytest.mark.parametrize("text", ["", "M", "-1", "2 apples", "0", "1e6"])
def test_other_counts_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--max-params"):
        parse_count("--max-params", text)
