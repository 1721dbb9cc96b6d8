"""The form to commit gives back every byte, stays small, is the same each time, and trusts no file."""

import hashlib
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bench.errors import RecordError
from bench.records import packed
from bench.records.packed import FILE_BYTES, PackedFiles, write_packed
from bench.records.store import RecordStore
from tests.conftest import PROJECT, RunBench
from tests.records.test_november import NOVEMBER
from tests.records.test_store import PREDICTIONS, ROWS, cell_record

NOISE = np.random.default_rng(0).bytes(2_300_000)
LOOSE = ("asked", "cells", "costs", "latency", "truth")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def only_packed(out: Path) -> None:
    for folder in LOOSE:
        shutil.rmtree(out / folder, ignore_errors=True)


def test_files_come_back_byte_for_byte_whatever_their_size(tmp_path: Path) -> None:
    files = {"cells/a/0.npz": NOISE, "cells/a/1.json": b"{}", "cells/a/2.npz": NOISE[:900_000], "cells/a/3.json": b""}
    paths = write_packed(tmp_path, {"a": files})
    assert len(paths) > 3
    assert all(path.stat().st_size <= FILE_BYTES for path in paths)
    found = PackedFiles(tmp_path)
    assert found.names() == [*files][:3]  # an empty file is none
    assert {name: found.read(name) for name in found.names()} == {name: files[name] for name in found.names()}


def test_the_same_records_make_the_same_files_and_one_more_changes_the_last(tmp_path: Path) -> None:
    files = {f"cells/a/{number}.npz": NOISE[number:300_000] for number in range(5)}
    for folder in ("one", "two"):
        write_packed(tmp_path / folder, {"a": files})
    before = contents(tmp_path / "one")
    assert before == contents(tmp_path / "two")
    write_packed(tmp_path / "one", {"a": files | {"cells/a/6.json": b"{}"}})
    after = contents(tmp_path / "one")
    assert [name for name in before if before[name] != after[name]] == ["a.3.zip"]


def test_a_packed_folder_gives_the_same_board_elsewhere(tmp_path: Path, run_bench: RunBench) -> None:
    out = tmp_path / "results"
    shutil.copytree(NOVEMBER, out)
    done = run_bench("report", "--format", "json", "--pack")
    assert done.returncode == 0, done.stderr
    assert "packed: 10 files" in done.stderr
    before = json.loads((out / "leaderboard.json").read_text())
    elsewhere = tmp_path / "elsewhere" / "set"
    shutil.copytree(out / "records", elsewhere / "records")
    done = run_bench("report", "--format", "json", "--out", str(elsewhere))
    assert done.returncode == 0, done.stderr
    after = json.loads((elsewhere / "leaderboard.json").read_text())
    del before["generated"], after["generated"]
    assert after == before
    first = contents(out / "records")
    only_packed(out)
    RecordStore(out).pack()
    assert contents(out / "records") == first


def test_a_run_goes_on_from_packed_records(run_bench: RunBench, faces_csv: Path, tmp_path: Path) -> None:
    command = ["run", "--models", "plain_cnn", "--data", faces_csv.name, "--groups", "people.csv", "--no-latency"]
    command += ["--epochs", "1", "--folds", "2", "--set", "models.plain_cnn.width=4", "--workers", "1"]
    assert run_bench(*command).returncode == 0
    RecordStore(tmp_path / "results").pack()
    only_packed(tmp_path / "results")
    done = run_bench(*command, "--seeds", "2")
    assert done.returncode == 0, done.stderr
    assert "8 recorded already" in done.stderr
    assert len(list((tmp_path / "results/cells").rglob("*.json"))) == 2  # the second seed's


def test_a_damaged_cell_is_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = RecordStore(tmp_path)
    store.write_cell(cell_record(), ROWS, PREDICTIONS)
    damaged = store.write_cell(cell_record(key="fedcba9876543210", fold=1), ROWS, PREDICTIONS)
    store.cell_path(damaged.model, damaged.key).with_suffix(".npz").write_bytes(b"")
    store.pack()
    assert "does not match its record" in caplog.text
    only_packed(tmp_path)
    assert [cell.fold for cell in RecordStore(tmp_path).cells()] == [0]


def test_a_record_of_its_own_file_comes_before_the_packed_one(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    store.write_cell(cell_record(status="failed"), None, None)
    store.pack()
    store.write_cell(cell_record(), ROWS, PREDICTIONS)
    assert [cell.status for cell in RecordStore(tmp_path).cells()] == ["ok"]


def _zip(path: Path, entries: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def _too_large(path: Path) -> None:
    _zip(path, {f"cells/a/{number}.npz": NOISE[number:350_000] for number in range(4)})


HOSTILE = {
    "no zip at all": lambda path: path.write_bytes(b"PK\x03\x04 and nothing else"),
    "larger than a megabyte": _too_large,
    "a name that leaves the folder": lambda path: _zip(path, {"cells/../../x.json": b"{}"}),
    "another kind of file": lambda path: _zip(path, {"cells/a/b.pkl": b"x"}),
    "another compression": lambda path: _zip(path, {"cells/a/b.json": b"{}"}, zipfile.ZIP_LZMA),
    "an entry that unfolds too far": lambda path: _zip(path, {"cells/a/b.npz": bytes(500_000)}),
    "entries that unfold too far together": lambda path: _zip(
        path, {f"cells/a/{number}.npz": bytes(400_000) for number in range(200)}
    ),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_named_and_passed_over(
    make: object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = RecordStore(tmp_path)
    kept = store.write_cell(cell_record(), ROWS, PREDICTIONS)
    store.pack()
    only_packed(tmp_path)
    assert callable(make)
    make(tmp_path / "records" / "hostile.zip")
    assert list(RecordStore(tmp_path).cells()) == [kept]
    assert caplog.text.count("hostile.zip: no packed records, passed over") == 1


@pytest.mark.parametrize(
    "arrays",
    [
        {"rows": ROWS, "predictions": PREDICTIONS[:1]},
        {"rows": np.array([1, 4]), "predictions": PREDICTIONS},
        {"rows": np.array([1, -1]), "predictions": PREDICTIONS},
        {"rows": np.array(["1", "3"]), "predictions": PREDICTIONS},
        {"rows": ROWS},
    ],
    ids=["too few", "a row that is none", "a row from the end", "words", "no predictions"],
)
def test_sealed_arrays_that_fit_no_record_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    _refused(tmp_path, arrays, np.savez)


def test_sealed_arrays_that_would_unfold_are_refused(tmp_path: Path) -> None:
    _refused(tmp_path, {"rows": ROWS, "predictions": PREDICTIONS}, np.savez_compressed)


def _refused(out: Path, arrays: dict[str, np.ndarray], save: object) -> None:
    store = RecordStore(out)
    record = store.write_cell(cell_record(), ROWS, PREDICTIONS)
    path = store.cell_path(record.model, record.key).with_suffix(".npz")
    assert callable(save)
    save(path, **arrays)
    forged = record.model_copy(update={"predictions_sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    with pytest.raises(RecordError, match=r"0123456789abcdef\.npz: not the"):
        store.predictions(forged)


def test_entries_cut_short_leave_the_others_readable(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_packed(tmp_path, {"a": {"cells/a/0.npz": NOISE[:300_000]}, "b": {"cells/a/1.npz": NOISE[:1000]}})
    whole = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    found = PackedFiles(tmp_path)
    assert found.read("cells/a/0.npz") is None
    assert "cells/a/0.npz is damaged and passed over" in caplog.text
    assert found.read("cells/a/1.npz") == NOISE[:1000]


@pytest.mark.skipif(shutil.which("git") is None or not (PROJECT / ".git").exists(), reason="needs a git checkout")
def test_packed_records_of_a_named_set_may_be_committed_and_nothing_else() -> None:
    def ignored(path: str) -> bool:
        return subprocess.run(["git", "check-ignore", "-q", path], cwd=PROJECT, check=False).returncode == 0

    assert not ignored("results/a-set/records/truth.zip")
    assert not ignored("results/a-set/leaderboard.md")
    assert not ignored("results/a-set/tuning/plain_cnn.json")
    assert ignored("results/a-set/tuning/studies.journal")
    assert ignored("results/tuning/plain_cnn.json")
    for path in ("cells/x/y.npz", "records/truth.zip", "a-set/cells/x/y.npz", "a-set/report.html", "leaderboard.md"):
        assert ignored(f"results/{path}"), path


def test_limits_leave_room_for_the_last_entry() -> None:
    assert packed.FULL_BYTES + packed.ENTRY_BYTES + packed.DIRECTORY_BYTES < FILE_BYTES
