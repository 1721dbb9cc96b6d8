"""From Python: a real signature, classes and arrays of the caller's own, and an object that shows the board."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import bench
from bench.config.settings import RunSettings
from bench.config.tuning import TuningSettings
from bench.errors import BenchError, ConfigError, DataError, RecordError
from bench.keywords import RunKeywords, TuneKeywords
from bench.reporting.board import Board
from bench.running.events import Planned
from tests.conftest import PROJECT, bench_environment, draw_rows


class Tiny(nn.Module):
    """A 12x12 mean picture and one linear layer."""

    def __init__(self, *, keypoints: int = 15, side_px: int = 96) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(12)
        self.linear = nn.Linear(144, 2 * keypoints)
        self.side_px = side_px

    def forward(self, pictures: Tensor) -> Tensor:
        return self.linear(self.pool(pictures).flatten(1))


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """Two folds of a class of the test's own, on arrays."""
    pictures, points = draw_rows(30)
    out = tmp_path_factory.mktemp("board")
    heard: list[object] = []
    found = bench.run(
        models=[Tiny], data=(pictures, points, np.arange(30) % 10), folds=2, epochs=2, workers=1, latency=False,
        out=out, recipe={"lr": 0.002}, options={Tiny: {"recipe": {"batch_size": 8}}}, on_event=heard.append,
    )  # fmt: skip
    assert heard
    return found


def test_import_bench_lists_everything_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, bench\n"
        "wanted = 'run tune fit predict compare choose export load_faces leaderboard BenchError __version__'.split()\n"
        "assert set(wanted) <= set(dir(bench)), dir(bench)\n"
        "from importlib.metadata import version\n"
        "assert bench.__version__ == version('keypoint-bench')\n"
        "heavy = {'torch', 'pandas', 'numpy', 'rich', 'pydantic', 'optuna'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=False)
    assert done.returncode == 0, done.stderr


def test_the_signature_is_real_and_documented() -> None:
    shown = inspect.signature(bench.run).parameters
    assert {"models", "data", "groups", "folds", "recipe", "options", "out", "progress", "on_event"} <= set(shown)
    assert "kwargs" not in shown
    assert "settings" not in shown
    assert shown["folds"].annotation == int | None
    assert (bench.run.__doc__ or "").startswith("Train what is missing")


def test_every_setting_of_a_run_and_of_a_search_can_be_given() -> None:
    settings = {"race_budget" if name == "race_budget_s" else name for name in RunSettings.model_fields}
    assert settings - {"models"} <= set(RunKeywords.__annotations__)
    advanced = {"prune_percentile", "prune_after_trials", "give_up_share"}  # in a file, as on the command line
    fields = {name.removesuffix("_s") for name in TuningSettings.model_fields} - advanced
    assert fields <= set(TuneKeywords.__annotations__)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bench.run(folsd=3), r"run\(\) got folsd; did you mean folds\?"),  # type: ignore[call-arg]
        (lambda: bench.tune(trails=3), r"tune\(\) got trails; did you mean trials\?"),  # type: ignore[call-arg]
        (lambda: bench.choose(maxms=3), r"choose\(\) got maxms; did you mean max_ms\?"),  # type: ignore[call-arg]
    ],
)
def test_a_misspelt_argument_is_answered_with_the_nearest(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(TypeError, match=message):
        call()


def test_a_misspelt_recipe_or_a_value_out_of_range_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"recipe: unknown key 'recipe.lrr'; did you mean lr\?"):
        bench.run(recipe={"lrr": 0.1})
    with pytest.raises(ConfigError, match="folds"):
        bench.run(folds=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bench.leaderboard("nowhere"), r"^out nowhere: .*`bench run"),
        (lambda: bench.run(folds=1), r"^folds: run.folds is 1"),
        (lambda: bench.run(cell_timeout_s=-1), r"^cell_timeout_s: run.cell_timeout_s is -1"),
        (lambda: bench.run(assignments=["recipe.lr"]), r"^assignments recipe.lr: expected KEY=VALUE"),
        (lambda: bench.run(config_file="absent.toml"), r"^config_file absent.toml: cannot be read"),
        (lambda: bench.run("plain_cnn,plain_cnn", data="synthetic"), r"^models names 'plain_cnn' twice"),
        (lambda: bench.tune(budget="soon"), r"^budget soon: expected a time such as"),
    ],
)
def test_a_refusal_speaks_of_keywords_and_not_of_options(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(BenchError, match=message):
        call()


def test_the_board_is_a_table_with_plain_columns(board: Board) -> None:
    assert set(board.table.index) == {"Tiny", "mean_face", "knn", "ridge"}
    assert {"rank", "rmse_px", "nme_percent", "parameters", "flags", "per_keypoint_rmse_px.nose_tip"} <= set(
        board.table
    )
    assert board.table.loc["Tiny", "recipe.lr"] == 0.002
    assert board.table.loc["Tiny", "recipe.batch_size"] == 8
    assert board.table["rank"].tolist() == [1, 2, 3, 4]
    assert board.failed.empty
    assert board.ranking.order == tuple(board.table.index)
    assert not any("source not found" in str(flags) for flags in board.table["flags"])
    assert "Tiny" in repr(board)
    pd.testing.assert_frame_equal(bench.leaderboard(board.material.out).table, board.table)


def test_predictions_and_row_errors_are_those_of_the_rows(board: Board) -> None:
    predictions = board.predictions("Tiny")
    assert predictions.shape == (1, 30, 15, 2)
    errors = board.row_errors("Tiny")
    assert list(errors) == ["row_index", "group", "fold", "rmse_px", "nme"]
    assert errors["row_index"].tolist() == list(range(30))
    _, points = draw_rows(30)
    assert errors["rmse_px"][7] == pytest.approx(np.sqrt(((predictions[0, 7] - points[7]) ** 2).mean()), rel=1e-5)
    pooled = np.sqrt((errors["rmse_px"] ** 2).mean())
    assert board.table.loc["Tiny", "rmse_px"] == pytest.approx(pooled, rel=1e-4)
    with pytest.raises(ConfigError, match="did you mean Tiny"):
        board.row_errors("Tinny")


def test_compare_and_choose_are_the_commands(board: Board) -> None:
    out = board.material.out
    assert bench.compare(Tiny, "ridge", out=out).text == board.compare("Tiny", "ridge").text
    choice = bench.choose(max_params=1e6, out=out)
    assert choice.model == "Tiny"
    assert "the only network that fits" in choice.text
    with pytest.raises(RecordError, match="Tiny: parameters 4,350 above 10"):
        bench.choose(max_params=10, out=out)
    with pytest.raises(ConfigError, match="named twice"):
        board.compare("Tiny", "Tiny")


class Broken(nn.Module):
    """Builds, and raises when asked."""

    def forward(self, pictures: Tensor) -> Tensor:
        raise ValueError(f"no answer to {len(pictures)} pictures")


def test_a_board_whose_only_network_failed_shows_the_gates_and_why(tmp_path: Path) -> None:
    pictures, points = draw_rows(20)
    found = bench.run(
        [Broken], data=(pictures, points, np.arange(20) % 5), folds=2, epochs=1, workers=1, latency=False, out=tmp_path
    )
    assert set(found.table.index) == {"mean_face", "knn", "ridge"}
    assert found.table["flags"].tolist() == ["", "", ""]
    assert found.failed["model"].tolist() == ["Broken", "Broken"]
    assert found.failed["reason"].str.contains("no answer to").all()


def test_it_shows_itself_in_a_notebook_and_no_name_becomes_markup(board: Board) -> None:
    hostile = Board(board.material)
    hostile.table = board.table.rename(index={"Tiny": "<script>alert(1)</script>"})
    shown = hostile._repr_html_()
    assert "<table" in shown
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_the_same_run_again_trains_nothing_and_an_edited_class_does(board: Board) -> None:
    pictures, points = draw_rows(30)
    again = {
        "data": (pictures, points, np.arange(30) % 10), "folds": 2, "epochs": 2, "workers": 1, "latency": False,
        "out": board.material.out, "recipe": {"lr": 0.002, "batch_size": 8},
    }  # fmt: skip
    missing: list[int] = []

    def count(event: object) -> None:
        if isinstance(event, Planned):
            missing.append(len(event.missing))

    bench.run(Tiny.__name__, on_event=count, **again)  # type: ignore[arg-type]
    assert missing == [0]


def test_a_fit_predicts_and_exports(tmp_path: Path) -> None:
    pictures, points = draw_rows(20)
    fitted = bench.fit(Tiny, data=(pictures, points), epochs=1, out=tmp_path)
    assert fitted.weights.is_file()
    found = bench.predict(Tiny, pictures[:3], out=tmp_path)
    assert found.shape == (3, 37)
    assert found["row_index"].tolist() == [0, 1, 2]
    Image.fromarray(pictures[0]).save(tmp_path / "face.png")
    assert bench.predict(Tiny, tmp_path / "face.png", out=tmp_path)["row_index"].isna().all()
    assert np.isfinite(found["nose_tip_x"]).all()
    with pytest.raises(DataError, match="expected uint8"):
        bench.predict(Tiny, pictures[:3].astype(float), out=tmp_path)  # type: ignore[arg-type]
    exported = bench.export(Tiny, "pt2", out=tmp_path, data=(pictures, points))
    assert exported.largest_difference_px < 0.01
    with pytest.raises(bench.BenchError, match="form pt3: unknown; choose among onnx, pt2"):
        bench.export(Tiny, "pt3", out=tmp_path, data=(pictures, points))  # type: ignore[arg-type]
    program = torch.export.load(exported.path).module()
    answer = program(torch.from_numpy(pictures[:3, None].astype(np.float32)))
    assert answer[0, 10, 0].item() == pytest.approx(found["nose_tip_x"][0], abs=0.01)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((np.zeros((4, 96, 96), np.uint8),), "1 arrays, expected"),
        ((np.zeros((4, 96, 90), np.uint8), np.ones((4, 15, 2))), r"uint8 \(4, 96, 90\)"),
        ((np.zeros((4, 8, 8), np.uint8), np.ones((4, 15, 2))), r"pictures \(4, 8, 8\) .* of 16 to 1024 pixels"),
        ((np.zeros(4, np.uint8), np.ones((4, 15, 2))), r"pictures \(4,\) and points"),
        ((np.zeros((4, 96, 96)), np.ones((4, 15, 2))), "float64"),
        ((np.zeros((4, 96, 96), np.uint8), np.full((4, 15, 2), 300.0)), "outside the frame"),
    ],
)
def test_arrays_that_are_no_faces_are_refused(data: tuple[np.ndarray, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        bench.load_faces(data)


@pytest.mark.parametrize("data", [np.zeros((4, 96, 96), np.uint8), {"pictures": 1, "points": 2}, 7])
def test_what_is_no_data_at_all_is_refused_in_one_line(data: object) -> None:
    with pytest.raises(DataError, match=rf"data: a {type(data).__name__}, expected a file, \(pictures, points\) or"):
        bench.load_faces(data)  # type: ignore[arg-type]


def test_arrays_may_stand_in_a_list_as_in_a_tuple() -> None:
    pictures, points = draw_rows(6)
    faces = bench.load_faces([pictures, points.tolist()])
    assert faces.fingerprint == bench.load_faces((pictures, points)).fingerprint
    with pytest.raises(DataError, match="data: pictures or points are no array"):
        bench.load_faces(["a.csv", "b.csv"])


def test_arrays_of_other_points_and_colours_are_a_scheme() -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (6, 64, 64, 3), dtype=np.uint8)
    faces = bench.load_faces((pictures, np.full((6, 4, 2), 30.0), list("aabbcc")))
    assert faces.scheme.names == ("point_1", "point_2", "point_3", "point_4")
    assert (faces.scheme.side_px, faces.scheme.channels, faces.group_count) == (64, 3, 3)


def test_other_points_and_colours_are_fitted_and_predicted(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 255, (8, 64, 64, 3), dtype=np.uint8)
    points = generator.uniform(10, 50, (8, 4, 2))
    bench.fit("plain_cnn", data=(pictures, points), epochs=1, out=tmp_path, options={"plain_cnn": {"width": 4}})
    found = bench.predict("plain_cnn", pictures[:2], out=tmp_path)
    assert np.isfinite(found[["point_1_x", "point_4_y"]]).all(axis=None)


def test_a_class_of_a_registered_name_or_no_class_at_all_is_refused(tmp_path: Path) -> None:
    from architectures import ArchitectureError

    with pytest.raises(ArchitectureError, match="bench has an architecture of this name"):
        bench.fit(type("plain_cnn", (Tiny,), {}), data="synthetic", out=tmp_path)
    with pytest.raises(ArchitectureError, match="has no name"):
        bench.run([Tiny()], data="synthetic", out=tmp_path)  # type: ignore[list-item]


def test_errors_have_one_base() -> None:
    assert issubclass(ConfigError, bench.BenchError)
    assert bench.BenchError is BenchError


SCRIPT = '''
import numpy as np
from torch import nn
import bench
from tests.conftest import draw_rows

WIDTH = {width}

def layer():
    return nn.Linear(144, 30)

class Own(nn.Module):
    """{words}"""
    def __init__(self):
        super().__init__()
        self.pool, self.linear, self.width = nn.AvgPool2d(8), layer(), WIDTH
    def forward(self, pictures):
        return self.linear(self.pool(pictures).flatten(1))

planned = []
pictures, points = draw_rows(20)
data = (pictures, points, np.arange(20) % 5)
bench.run([Own], data=data, folds=2, epochs=1, workers=1, latency=False,
          on_event=lambda event: planned.append(getattr(event, "missing", None)))
print(len(planned[0]), "missing")
'''


def test_a_class_of_a_script_has_its_own_source_and_what_it_reaches_in_its_key(tmp_path: Path) -> None:
    def missing(text: str) -> str:
        (tmp_path / "script.py").write_text(text)
        done = subprocess.run(
            [sys.executable, "script.py"], cwd=tmp_path, env=bench_environment(), capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = SCRIPT.format(width=3, words="One.")
    assert missing(first) == "8 missing\n"
    assert missing(f"# a comment\n{first}\nprint(end='')") == "0 missing\n"
    assert missing(SCRIPT.format(width=4, words="One.")) == "2 missing\n"
