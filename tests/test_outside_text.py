"""What comes from other people's files reaches neither a terminal nor a spreadsheet as a command."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.outside_text import printable, spreadsheet_cell
from tests.conftest import RunBench, write_faces_csv

STEERING = "\x1b]0;title\x07\x1b[31m\x9b2J\u202e"


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


def test_a_hostile_header_value_and_exception_reach_the_terminal_and_the_board_as_plain_text(
    run_bench: RunBench, tmp_path: Path
) -> None:
    faces = write_faces_csv(tmp_path / "faces.csv")
    table = faces.read_text()
    (tmp_path / "header.csv").write_text(table.replace("Image", f"{STEERING},Image", 1))
    (tmp_path / "value.csv").write_text(table.replace("\n", f"\n{STEERING}", 1))
    (tmp_path / "=net.py").write_text(f"""
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
    done = run_bench("run", "--models", "=net.py:Net,=net.py:Raising", "--data", "faces.csv", *small)
    board = (tmp_path / "results/leaderboard.md").read_text()
    for text in (done.stdout, done.stderr, board):
        assert not set(text) & set("\x1b\x9b\u202e\x07")
    assert "ValueError" in board
    with (tmp_path / "results/leaderboard.csv").open(newline="") as stream:
        assert "'=net.py:Net" in {row["model"] for row in csv.DictReader(stream)}
