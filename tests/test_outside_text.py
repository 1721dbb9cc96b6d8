"""What comes from other people's files reaches neither a terminal nor a spreadsheet as a command."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.delivering.photos import Crop
from bench.delivering.predicting import Face, Prediction, write_csv
from bench.outside_text import escaped_json, printable, spreadsheet_cell
from bench.scheme import Scheme
from tests.conftest import RunBench, write_faces_csv

STEERING = "\x1b]0;title\x07\x1b[31m\x9b2J\u202e\u061c"

REPORTS = ("leaderboard.md", "leaderboard.json", "leaderboard.csv", "report.html")


@given(st.text())
def test_printable_text_holds_nothing_that_steers_and_loses_nothing_else(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(one.isprintable() or one in "\t\n" or one == other for one, other in zip(shown, text, strict=True))
    assert not set(shown) & set(STEERING[:1] + "\x9b\u202e\x07")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert spreadsheet_cell(text) == f"'{text}"
    assert spreadsheet_cell(f"x{text}") == f"x{text}"


def test_json_reads_as_the_text_that_it_was_and_holds_nothing_that_steers() -> None:
    text = escaped_json({STEERING: "\x7f\u00e9\udcff"})
    assert json.loads(text) == {STEERING: "\x7f\u00e9\udcff"}
    assert printable(text) == text
    assert "\u00e9" in text


def test_hostile_names_of_points_and_pictures_are_plain_in_a_table_of_predictions(tmp_path: Path) -> None:
    names = tuple(f"=cmd{STEERING}{index}" for index in range(15))
    scheme = Scheme(names=names, mirror=None, normaliser="box")
    face = Face(Path(f"=x{STEERING}.png"), None, None, (96, 96), Crop(0, 0, 96, 96), np.zeros((96, 96), np.uint8))
    write_csv(tmp_path / "predictions.csv", [Prediction(face, np.zeros((15, 2), np.float32))], scheme)
    text = (tmp_path / "predictions.csv").read_text()
    assert printable(text) == text
    assert all(not cell.startswith("=") for line in csv.reader(text.splitlines()) for cell in line)


def test_a_hostile_header_value_and_exception_reach_the_terminal_and_the_board_as_plain_text(
    run_bench: RunBench, tmp_path: Path
) -> None:
    faces = write_faces_csv(tmp_path / "faces.csv")
    table = faces.read_text()
    (tmp_path / "header.csv").write_text(table.replace("Image", f"{STEERING},Image", 1))
    (tmp_path / "value.csv").write_text(table.replace("\n", f"\n{STEERING}", 1))
    for file in ("=net.py", "=e\x1b[31m\u202e\u061c.py"):
        (tmp_path / file).write_text(f"""
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(144, 30))

    def forward(self, pictures):
        return self.layers(pictures)

class Raising(Net):
    def forward(self, pictures):
        if self.training and pictures.device.type != "meta":
            raise ValueError({STEERING!r})
        return super().forward(pictures)
""")
    small = ("--groups", "none", "--folds", "2", "--epochs", "1", "--no-latency")
    for file in ("header.csv", "value.csv"):
        refused = run_bench("run", "--models", "=net.py:Net", "--data", file, *small)
        assert refused.returncode == 2, file
        assert "\x1b" not in refused.stderr, file
        assert "\x9b" not in refused.stderr, file
    models = "=net.py:Net,=net.py:Raising,=e\x1b[31m\u202e\u061c.py:Net"
    done = run_bench("run", "--models", models, "--data", "faces.csv", *small)
    board = (tmp_path / "results/leaderboard.md").read_text()
    reports = [(tmp_path / "results" / name).read_text() for name in REPORTS]
    for text in (done.stdout, done.stderr, *reports, run_bench("report", "--json").stdout):
        assert not set(text) & set("\x1b\x9b\u202e\u061c\x07")
    assert models.split(",")[-1] in {row["model"] for row in json.loads(reports[1])["rows"]}
    assert "ValueError" in board
    with (tmp_path / "results/leaderboard.csv").open(newline="") as stream:
        assert "'=net.py:Net" in {row["model"] for row in csv.DictReader(stream)}
