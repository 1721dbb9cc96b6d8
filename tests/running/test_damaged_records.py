"""What a disk did to the records is told, left out of the report, and mended by the next run."""

import json
from pathlib import Path

from bench.records.files import slug
from tests.conftest import RunBench

NETWORK = f"{Path(__file__).parent / 'networks.py'}:Tiny"


def test_damaged_arrays_are_left_out_of_the_report_and_trained_again(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    command = ("run", "--models", NETWORK, "--data", str(faces_csv), "--groups", "people.csv", "--folds", "3",
               "--epochs", "1", "--no-latency")  # fmt: skip
    assert run_bench(*command).returncode == 0
    whole = json.loads((tmp_path / "results/leaderboard.json").read_text())["rows"]
    damaged = next((tmp_path / "results/cells" / slug(NETWORK)).glob("*.npz"))
    damaged.write_bytes(damaged.read_bytes()[:500])
    (truth,) = (tmp_path / "results/truth").glob("*.npz")
    labels = truth.read_bytes()

    report = run_bench("report", "--json")
    assert report.returncode == 0, report.stderr
    assert f"{damaged.name}: does not match its record" in report.stderr
    row = next(row for row in json.loads(report.stdout)["rows"] if row["model"] == NETWORK)
    assert row["flags"][0] == "incomplete: 2 of 3 cells"
    assert row["rank"] is None

    truth.write_bytes(labels[:500])
    report = run_bench("report")
    assert report.returncode == 2
    assert "labels missing or damaged" in report.stderr.splitlines()[-1]

    again = run_bench(*command)
    assert again.returncode == 0, again.stderr
    assert "11 recorded already" in again.stderr
    assert truth.read_bytes() == labels
    mended = json.loads((tmp_path / "results/leaderboard.json").read_text())["rows"]
    assert [row["rmse_px"] for row in mended] == [row["rmse_px"] for row in whole]
