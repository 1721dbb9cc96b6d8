"""A real notebook, executed by a real kernel: a class of a cell, on arrays, beside a registered network."""

import os
from pathlib import Path

import pytest

from tests.conftest import bench_environment

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

CELLS = [
    "import numpy as np\nfrom torch import nn\nimport bench\nfrom tests.conftest import draw_rows",
    "CELLS = 12\n\ndef head(points):\n    return nn.Linear(CELLS * CELLS, 2 * points)",
    '''class MyNet(nn.Module):
    """A mean picture and one layer."""

    def __init__(self, *, keypoints=15):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(CELLS)
        self.head = head(keypoints)

    def forward(self, pictures):
        return self.head(self.pool(pictures).flatten(1))''',
    """pictures, points = draw_rows(30)
groups = np.arange(30) % 10
board = bench.run(models=[MyNet, "plain_cnn"], data=(pictures, points, groups), folds=2, epochs=1, workers=1,
                  options={"plain_cnn": {"width": 4}}, latency=False)
board""",
    """assert set(board.table.index) == {"MyNet", "plain_cnn", "mean_face", "knn", "ridge"}
assert board.failed.empty
assert not board.table["flags"].astype(str).str.contains("source not found").any()
assert board.predictions("MyNet").shape == (1, 30, 15, 2)
print(board.compare("MyNet", "ridge").text)""",
    """planned = []
bench.run([MyNet], data=(pictures, points, groups), folds=2, epochs=1, latency=False, on_event=planned.append)
print(len(planned[0].missing), "missing")""",
]


@pytest.mark.slow
def test_a_notebook_runs_a_class_of_a_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in bench_environment().items():
        monkeypatch.setitem(os.environ, name, value)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbclient.NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown, said, again = (cell.outputs for cell in notebook.cells[3:])
    (table,) = (output.data["text/html"] for output in shown if output.output_type == "execute_result")
    assert "MyNet" in table
    assert "<table" in table
    assert any("MyNet" in output.get("text", "") for output in said)
    assert any(output.get("text") == "0 missing\n" for output in again)
