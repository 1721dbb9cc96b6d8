"""What is accepted is read exactly, from any of the family of files; a cache is never trusted beyond its digest."""

import gzip
import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config.data import DataSettings
from bench.errors import DataError
from bench.faces import cache
from bench.faces.cache import Cached
from bench.faces.csv_reading import read_csv, read_pictures
from bench.faces.face_set import FaceSource, Row
from bench.faces.grouping import near_duplicate_clusters
from bench.faces.loading import load_faces
from bench.faces.photo_rows import Say
from bench.faces.picture_text import decode_picture
from bench.faces.readers import KINDS, Kind
from bench.processes.marks import mark
from bench.scheme import SEED_SCHEME, Scheme
from tests.conftest import RunBench, draw_rows, write_faces_csv


def parsed_file(path: Path) -> Cached:
    return cache.parsed_file(path, DataSettings())


def loaded(path: Path, groups: str = "none") -> tuple[np.ndarray, np.ndarray]:
    faces = load_faces(FaceSource(path, groups))
    return np.asarray(faces.images), np.asarray(faces.keypoints)


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".zip"])
def test_pictures_and_points_come_back_exactly(tmp_path: Path, ending: str) -> None:
    plain = write_faces_csv(tmp_path / "plain.csv", rows=7)
    path = tmp_path / f"faces{ending}"
    if ending == ".csv.gz":
        path.write_bytes(gzip.compress(plain.read_bytes()))
    elif ending == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(plain, "folder/training.csv")
            archive.writestr("__MACOSX/folder/._training.csv", "junk")
    else:
        plain.rename(path)
    images, keypoints = draw_rows(7)
    for _ in range(2):  # parsed, then from the cache
        read_images, read_keypoints = loaded(path)
        assert np.array_equal(read_images, images)
        assert np.allclose(read_keypoints, keypoints, atol=1e-4)


def test_columns_in_any_order_an_index_a_bom_quotes_and_windows_ends(tmp_path: Path) -> None:
    plain = write_faces_csv(tmp_path / "plain.csv", rows=5)
    table = [line.split(",") for line in plain.read_text().splitlines()]
    order = list(range(31))
    random.Random(0).shuffle(order)
    lines = [
        ",".join(["" if number == 0 else str(number), *(fields[i] for i in order)])
        for number, fields in enumerate(table)
    ]
    lines[2] = ",".join(f'"{field}"' for field in lines[2].split(","))
    path = tmp_path / "faces.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode() + b"\r\n\r\n")
    assert np.array_equal(loaded(path)[0], loaded(plain)[0])
    assert np.array_equal(loaded(path)[1], loaded(plain)[1])


def test_missing_points_are_nan_and_a_column_gives_the_people(tmp_path: Path) -> None:
    path = write_faces_csv(tmp_path / "faces.csv", rows=6)
    table = [line.split(",") for line in path.read_text().splitlines()]
    table[2][4] = table[2][5] = ""
    lines = [",".join([*fields, "subject" if number == 0 else "ab"[number % 2]]) for number, fields in enumerate(table)]
    path.write_text("\n".join(lines))
    faces = load_faces(FaceSource(path, "subject"))
    assert np.isnan(faces.keypoints.reshape(6, 30)[1, 4:6]).all()
    assert np.isfinite(faces.keypoints).sum() == 6 * 30 - 2
    assert faces.groups.tolist() == [0, 1, 0, 1, 0, 1]
    assert (faces.grouping, faces.people_known) == ("column:subject", True)


def test_kaggles_test_file_gives_pictures_and_names(tmp_path: Path) -> None:
    images, _ = draw_rows(3)
    path = tmp_path / "test.csv"
    path.write_text(
        "ImageId,Image\n" + "".join(f"{n + 1},{' '.join(map(str, i.ravel()))}\n" for n, i in enumerate(images))
    )
    pictures, names = read_pictures(path, SEED_SCHEME)
    assert np.array_equal(pictures, images)
    assert names == ["1", "2", "3"]


@given(st.integers(0, 2**32 - 1), st.integers(1, 255), st.sampled_from([" ", "  ", "\t"]))
@settings(deadline=None, max_examples=40)
def test_any_picture_is_decoded(seed: int, brightest: int, blank: str) -> None:
    values = np.random.default_rng(seed).integers(0, brightest + 1, 9216)
    assert (
        decode_picture(blank.join(map(str, values)).encode(), "row 1", SEED_SCHEME).ravel().tolist() == values.tolist()
    )


@given(st.integers(0, 9215), st.sampled_from(["256", "300", "1000", "-1", "+1", "1.0", "a", "0x1", "1e1", "²", "1,2"]))
@settings(deadline=None, max_examples=60)
def test_any_foreign_pixel_is_refused_by_its_place(place: int, value: str) -> None:
    words = ["17"] * 9216
    words[place] = value
    with pytest.raises(DataError, match=f"pixel {place + 1} is"):
        decode_picture(" ".join(words).encode(), "row 1", SEED_SCHEME)


def cache_files(name: str) -> list[Path]:
    return list((Path(os.environ["BENCH_CACHE_DIR"]) / "faces").glob(f"*/{name}"))


@pytest.mark.parametrize("name", ["images.raw", "faces.npz"])
@pytest.mark.parametrize("damage", ["cut", "zeros", "gone"])
def test_a_damaged_cache_is_rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, damage: str) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    path = write_faces_csv(tmp_path / "faces.csv", rows=9)
    before = loaded(path)
    (file,) = cache_files(name)
    size = file.stat().st_size
    content = {"cut": file.read_bytes()[: size // 2], "zeros": bytes(size), "gone": b""}[damage]
    file.unlink()
    if damage != "gone":
        file.write_bytes(content)
    after = loaded(path)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_one_flipped_bit_of_the_cache_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    path = write_faces_csv(tmp_path / "faces.csv", rows=40)
    before = loaded(path)[0].copy()
    (file,) = cache_files("images.raw")
    content = bytearray(file.read_bytes())
    content[9216 + 5] ^= 1
    file.write_bytes(content)
    assert np.array_equal(load_faces(FaceSource(path, "none")).images, before)


@pytest.mark.parametrize(("name", "array"), [("faces.npz", b"keypoints.npy"), ("clusters.npz", b"clusters.npy")])
def test_any_flipped_bit_of_an_array_header_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, array: bytes
) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    # So many rows that the header is read before the archive's own checksum has seen the whole array.
    small = SEED_SCHEME.model_copy(update={"side_px": 16})
    source = FaceSource(write_faces_csv(tmp_path / "faces.csv", rows=600, scheme=small), "auto")
    before = load_faces(source)
    (file,) = cache_files(name)
    content = file.read_bytes()
    header = content.index(b"\x93NUMPY", content.index(array))
    for bit in (*range(0, 8 * 128, 29), 8 * 8 + 6, 8 * 10, 8 * 21 + 4):
        flipped = bytearray(content)
        flipped[header + bit // 8] ^= 1 << bit % 8
        file.write_bytes(flipped)
        after = load_faces(source)
        assert after.fingerprint == before.fingerprint and np.array_equal(after.groups, before.groups), bit
        assert np.array_equal(after.keypoints, before.keypoints, equal_nan=True), bit


def test_other_contents_of_the_same_size_and_time_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    path = write_faces_csv(tmp_path / "faces.csv", rows=6)
    before, facts = loaded(path)[1].copy(), path.stat()
    content = path.read_text()
    first = content.splitlines()[1].partition(",")[0]
    path.write_text(content.replace(first, f"{float(first) + 1:.4f}"[: len(first)], 1))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (facts.st_size, facts.st_mtime_ns)
    assert not np.array_equal(loaded(path)[1], before)


def test_what_another_process_parsed_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    path = write_faces_csv(tmp_path / "faces.csv", rows=6)
    kept: list[int] = []

    def read_beside_another(path: Path, settings: DataSettings, _: Say) -> Iterator[tuple[Scheme, Row]]:
        monkeypatch.setattr("bench.faces.readers.KINDS", KINDS)
        other = parsed_file(path).folder
        assert other is not None
        kept.append((other / "images.raw").stat().st_ino)
        return read_csv(path, settings)

    monkeypatch.setattr("bench.faces.readers.KINDS", (Kind(lambda _: True, read_beside_another),))
    parsed_file(path)
    assert [file.stat().st_ino for file in cache_files("images.raw")] == kept


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    path = write_faces_csv(tmp_path / "faces.csv", rows=6, seed=1)
    first = loaded(path)[0].copy()
    write_faces_csv(path, rows=6, seed=2)
    assert not np.array_equal(loaded(path)[0], first)


def test_a_new_cache_replaces_the_old_one_of_its_file_and_what_a_kill_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    path = write_faces_csv(tmp_path / "faces.csv", rows=6, seed=1)
    other = parsed_file(write_faces_csv(tmp_path / "other.csv", rows=5)).folder
    mapped = parsed_file(path)
    before = mapped.faces.images.copy()
    folder = tmp_path / "cache" / "faces"
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    killed = folder / f"parsing-{mark().partition('-')[0]}-{ended.pid}-ab"
    abandoned, under_way = folder / "parsing-abandoned", folder / f"parsing-{mark()}ab"
    for work in (killed, abandoned, under_way):
        work.mkdir()
    os.utime(abandoned, (0, 0))
    write_faces_csv(path, rows=7, seed=2)
    parsed = parsed_file(path)
    assert {*folder.iterdir()} == {other, parsed.folder, under_way}
    assert np.array_equal(mapped.faces.images, before)


def test_a_cache_folder_that_cannot_be_written_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "file" / "cache"))
    path = write_faces_csv(tmp_path / "faces.csv", rows=5)
    assert np.array_equal(loaded(path)[0], draw_rows(5)[0])
    assert "parsing anew each time" in caplog.text


def test_clusters_are_found_once_and_again_when_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    calls: list[int] = []

    def found(images: np.ndarray, photos: Sequence[str] = ()) -> np.ndarray:
        calls.append(len(images))
        return near_duplicate_clusters(images, photos)

    monkeypatch.setattr("bench.faces.cache.near_duplicate_clusters", found)
    source = FaceSource(write_faces_csv(tmp_path / "faces.csv", rows=9), "auto")
    first = load_faces(source).groups
    assert np.array_equal(load_faces(source).groups, first)
    assert calls == [9]
    (file,) = cache_files("clusters.npz")
    content = bytearray(file.read_bytes())
    content[content.index(b"NUMPY") + 140] ^= 1
    file.write_bytes(content)
    assert np.array_equal(load_faces(source).groups, first)
    assert calls == [9, 9]


def test_pictures_and_points_cannot_be_written_to(tmp_path: Path) -> None:
    parsed = parsed_file(write_faces_csv(tmp_path / "faces.csv", rows=5)).faces
    for array in (parsed.images, parsed.keypoints):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_the_check_describes_the_set(run_bench: RunBench, tmp_path: Path) -> None:
    write_faces_csv(tmp_path / "faces.csv", rows=12)
    done = run_bench("data", "check", "faces.csv", "--groups", "people.csv", "--json", "--sheet", "sheet.png")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["rows"], document["groups"], document["people_known"]) == (12, 10, True)
    assert [one["keypoint"] for one in document["keypoints"]] == list(SEED_SCHEME.names)
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
