"""fit, predict and export as users call them."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from bench.delivering.fitting import fitted_path
from bench.records.tuned import FoldFinding, TunedParameters, write_tuned
from bench.records.weight_facts import read_weights_facts, write_weights
from bench.scheme import SEED_SCHEME
from tests.conftest import PROJECT, RunBench, draw_rows, write_faces_csv
from tests.delivering.conftest import MOUSE, Bench, write_fitted

NETWORKS = PROJECT / "tests" / "running" / "networks.py"


@pytest.mark.slow
def test_fit_predict_export(run_bench: RunBench, tmp_path: Path, faces_csv: Path) -> None:
    done = run_bench(
        "fit", "--model", "plain_cnn", "--data", str(faces_csv), "--groups", "none", "--epochs", "30", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 40
    images, keypoints = draw_rows(40)  # the rows of the file: what was learnt must show
    Image.fromarray(images[0]).resize((192, 192)).save(tmp_path / "face.png")
    done = run_bench("predict", "--model", "plain_cnn", "face.png", "--json")
    assert done.returncode == 0, done.stderr
    found = np.array(list(json.loads(done.stdout)["pictures"][0]["keypoints"].values()))
    error = np.sqrt(np.mean((found - (keypoints[0] * 2 + 0.5)) ** 2))
    guess = np.sqrt(np.mean((95.5 - (keypoints[0] * 2 + 0.5)) ** 2))
    assert error < guess
    for form in ("onnx", "pt2"):
        done = run_bench("export", "--model", "plain_cnn", "--format", form, "--data", str(faces_csv), "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["largest_difference_px"] < 0.01


@pytest.mark.parametrize("form", ["json", "csv"])
def test_weights_that_are_no_numbers_give_no_coordinates(bench: Bench, tmp_path: Path, form: str) -> None:
    path = write_fitted(tmp_path / "broken.safetensors", width=4)
    tensors = load_file(path)
    write_weights(path, {name: value * float("nan") for name, value in tensors.items()}, read_weights_facts(path))
    Image.new("L", (100, 100), 77).save(tmp_path / "face.png")
    done = bench("predict", "face.png", "--model", str(path), "--format", form, "--json")
    assert done.returncode == 2
    assert "broken.safetensors: they answer with numbers that are none" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "predictions").exists()


def test_fit_of_tuned_parameters(bench: Bench, tmp_path: Path, faces_csv: Path) -> None:
    refused = bench("fit", "--model", "plain_cnn@tuned", "--data", str(faces_csv))
    assert refused.returncode == 2
    assert "run `bench tune --models plain_cnn` first" in refused.stderr
    finding = FoldFinding(outer_fold=0, study="s", options={"width": 8}, recipe={"epochs": 1})
    tuned = TunedParameters(
        model="plain_cnn",
        mode="plain",
        protocol="p",
        folds=(finding,),
        adopted=True,
        verdict="better",
        search_epochs=1,
        epochs=1,
    )
    write_tuned(tmp_path / "results", tuned)
    done = bench("fit", "--model", "plain_cnn@tuned", "--data", str(faces_csv), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["epochs"] == 1
    assert bench("predict", "--model", "plain_cnn@tuned", "faces.csv").returncode == 0
    facts = read_weights_facts(tmp_path / json.loads(done.stdout)["weights"])
    assert facts.options == {"width": 8}


@pytest.mark.parametrize("command", [("fit",), ("export", "--format", "onnx"), ("predict", "a.png"), ("check",)])
def test_an_ensemble_has_no_weights(bench: Bench, tmp_path: Path, command: tuple[str, ...]) -> None:
    Image.new("L", (96, 96)).save(tmp_path / "a.png")
    named = ("ensemble:plain_cnn+simcc",) if command == ("check",) else ("--model", "ensemble:plain_cnn+simcc")
    done = bench(*command, *named)
    assert done.returncode == 2
    assert "an ensemble has no weights of its own; name one of plain_cnn, simcc" in done.stderr


def test_weights_are_stored_under_a_name_that_is_read_again(bench: Bench, tmp_path: Path, faces_csv: Path) -> None:
    done = bench("fit", "--model", "plain_cnn", "--data", str(faces_csv), "--epochs", "1", "--to", "a.pth")
    assert done.returncode == 2
    assert "let the name end in .safetensors" in done.stderr
    assert not (tmp_path / "a.pth").exists()


@pytest.mark.usefixtures("fitted")
def test_predict_pictures_and_tables(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    Image.new("RGB", (300, 200), (200, 10, 10)).save(tmp_path / "face.jpg")
    Image.new("L", (96, 96), 90).save(tmp_path / "other" / "face.png")
    write_faces_csv(tmp_path / "faces.csv", rows=3)
    done = bench("predict", "--model", "plain_cnn", "face.jpg", "other/face.png", "faces.csv", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [one["row"] for one in document["pictures"]] == [None, None, 1, 2, 3]
    assert [one["name"] for one in document["pictures"]] == [None, None, "1", "2", "3"]
    assert document["pictures"][0]["crop"] == [50, 0, 200, 200]
    assert list(document["pictures"][0]["keypoints"]) == list(SEED_SCHEME.names)
    assert json.loads((tmp_path / "predictions" / "predictions.json").read_text()) == document
    drawn = sorted(path.name for path in (tmp_path / "predictions").glob("*.png"))
    assert drawn == ["face-points-2.png", "face-points.png"]
    assert str(tmp_path) not in done.stdout


@pytest.mark.usefixtures("fitted")
def test_a_place_that_cannot_be_written_is_no_error_of_bench(bench: Bench, tmp_path: Path) -> None:
    Image.new("L", (96, 96)).save(tmp_path / "face.png")
    done = bench("predict", "--model", "plain_cnn", "face.png", "--to", "face.png")
    assert done.returncode == 2
    told = "error: face.png/predictions.json: File exists; check the path, its rights and the free space\n"
    assert done.stderr == told


@pytest.mark.usefixtures("fitted")
def test_predict_an_unlabelled_table_as_csv(bench: Bench, tmp_path: Path) -> None:
    images, _ = draw_rows(2)
    lines = ["ImageId,Image", *(f"{row + 71},{' '.join(map(str, image.ravel()))}" for row, image in enumerate(images))]
    (tmp_path / "test.csv").write_text("\n".join(lines))
    done = bench("predict", "--model", "plain_cnn", "test.csv", "--format", "csv", "--to", "out", "--draw")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((tmp_path / "out" / "predictions.csv").read_text().splitlines()))
    assert [(row["row"], row["name"]) for row in rows] == [("1", "71"), ("2", "72")]
    assert len(rows[0]) == 7 + 30
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == [
        "test-row1-points.png",
        "test-row2-points.png",
    ]


def test_weights_of_other_points_in_colour(bench: Bench, tmp_path: Path) -> None:
    file = str(write_fitted(tmp_path / "mouse.safetensors", scheme=MOUSE, flip=True))
    Image.new("RGB", (300, 200), (200, 10, 10)).save(tmp_path / "mouse.jpg")
    pixels = np.random.default_rng(0).integers(0, 256, 128 * 128 * 3)
    (tmp_path / "mice.csv").write_text(f"Image\n{' '.join(map(str, pixels))}\n")
    done = bench("predict", "--model", "plain_cnn", "--weights", file, "mouse.jpg", "mice.csv", "--json", "--draw")
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)["pictures"]
    assert (first["crop"], second["crop"]) == ([50, 0, 200, 200], [0, 0, 128, 128])
    assert list(first["keypoints"]) == list(MOUSE.names)
    assert len(list((tmp_path / "predictions").glob("*.png"))) == 2
    done = bench("predict", "--model", "plain_cnn", "--weights", file, "mice.csv", "--format", "csv")
    header = (tmp_path / "predictions" / "predictions.csv").read_text().splitlines()[0]
    assert header.endswith("crop_height," + ",".join(MOUSE.flat_names))
    done = bench("export", "--model", "plain_cnn", "--weights", file, "--format", "pt2", "--data", "synthetic")
    assert done.returncode == 2
    assert "synthetic: pictures of 1x96x96, the weights are for 3x128x128; give --data FILE" in done.stderr


def test_what_a_network_prints_is_not_among_the_results(bench: Bench, tmp_path: Path) -> None:
    network = f"{NETWORKS}:Chatty"
    write_fitted(fitted_path(tmp_path / "results", network), network)
    Image.new("L", (96, 96), 90).save(tmp_path / "face.png")
    done = bench("predict", "--model", network, "face.png", "--no-draw", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{network}: 1 predicted; coordinates in predictions/predictions.csv\n"
    assert "run" in done.stderr.splitlines()


def make_bad_files(folder: Path) -> dict[str, str]:
    """Files that must be refused, and what the message must say."""
    (folder / "text.png").write_text("hello")
    stream = folder / "whole.png"
    Image.effect_noise((200, 200), 50).save(stream)
    (folder / "cut.png").write_bytes(stream.read_bytes()[:3000])
    Image.new("L", (1, 1)).save(folder / "dot.png")
    Image.new("1", (20_000, 20_000)).save(folder / "huge.png")
    return {
        "text.png": "is no picture",
        "cut.png": "is damaged",
        "dot.png": "too few",
        "huge.png": "more than 64,000,000 pixels",
    }


def test_bad_input_is_one_line_and_exit_code_2(bench: Bench, tmp_path: Path, fitted: Path) -> None:
    expected = make_bad_files(tmp_path)
    Image.new("L", (100, 100)).save(tmp_path / "good.png")
    before = {path for path in tmp_path.rglob("*") if "predictions" not in path.parts}
    for name, reason in expected.items():
        done = bench("predict", "--model", "plain_cnn", "good.png", name)
        assert done.returncode == 2, name
        assert reason in done.stderr
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
    write_fitted(fitted_path(tmp_path / "elsewhere", "resnet_custom"))
    before |= set(tmp_path.rglob("*"))
    for arguments in (
        ("--model", "../../x"),
        ("--model", "../../x.py:Net"),
        ("--model", "resnet_custom", "--weights", str(fitted)),
        ("--model", "plain_cnn", "--fold", "0"),
        ("--model", "plain_cnn", "--crop", "90,90,20,20"),
    ):
        done = bench("predict", *arguments, "good.png")
        assert done.returncode == 2, arguments
        assert done.stderr.count("\n") == 1
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_fold_weights_only_by_fold(run_bench: RunBench, tmp_path: Path, faces_csv: Path) -> None:
    common = ("--data", str(faces_csv), "--groups", "people.csv", "--folds", "2", "--epochs", "1", "--no-latency")
    done = run_bench("run", "--models", "plain_cnn", *common, "--keep-weights")
    assert done.returncode == 0, done.stderr
    Image.new("L", (100, 100), 77).save(tmp_path / "face.png")
    refused = run_bench("predict", "--model", "plain_cnn", "face.png")
    assert refused.returncode == 2
    assert "--fold" in refused.stderr
    answers = [run_bench("predict", "--model", "plain_cnn", "face.png", "--fold", fold, "--json") for fold in "01"]
    assert [one.returncode for one in answers] == [0, 0]
    assert answers[0].stdout != answers[1].stdout
    missing = run_bench("predict", "--model", "plain_cnn", "face.png", "--fold", "7")
    assert missing.returncode == 2
    assert "kept are those of fold 0, 1" in missing.stderr
