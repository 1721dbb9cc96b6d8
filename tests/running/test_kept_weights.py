"""Weights that a run kept are those of their cell, as they were written, or count as missing."""

from pathlib import Path

from PIL import Image
from safetensors.numpy import load_file

from bench.records.store import RecordStore
from bench.records.weight_facts import kept_weights_path
from tests.conftest import RunBench

NETWORK = f"{Path(__file__).parent / 'networks.py'}:Tiny"


def test_what_is_not_the_weights_of_its_cell_is_told_and_made_again(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    command = ("run", "--models", NETWORK, "--data", str(faces_csv), "--groups", "people.csv", "--folds", "3",
               "--epochs", "1", "--workers", "1", "--no-latency", "--keep-weights")  # fmt: skip
    assert run_bench(*command).returncode == 0
    store = RecordStore(tmp_path / "results")
    places = {cell.fold: kept_weights_path(store.out, cell.key) for cell in store.cells_of(NETWORK)}
    before = {fold: values(path) for fold, path in places.items()}
    places[0].write_bytes(places[1].read_bytes())
    places[1].write_bytes(b"garbage")
    flipped = bytearray(places[2].read_bytes())
    flipped[-5] ^= 0x40
    places[2].write_bytes(flipped)

    Image.new("L", (96, 96), 77).save(tmp_path / "face.png")
    refused = run_bench("predict", "--model", NETWORK, "--fold", "0", "face.png")
    assert refused.returncode == 2
    assert f"{places[0].name}: of another cell; set aside" in refused.stderr
    assert "no weights of fold 0, seed 0 were kept" in refused.stderr

    again = run_bench(*command)
    assert again.returncode == 0, again.stderr
    assert f"{places[1].name}: not a safetensors file; set aside" in again.stderr
    assert f"{places[2].name}: damaged, they do not read as they were sealed; set aside" in again.stderr
    assert len(list((tmp_path / "results/weights").glob("*.damaged"))) == 3
    assert {fold: values(path) for fold, path in places.items()} == before
    assert run_bench("predict", "--model", NETWORK, "--fold", "0", "face.png").returncode == 0


def values(weights: Path) -> dict[str, list[float]]:
    return {name: tensor.tolist() for name, tensor in load_file(weights).items()}
