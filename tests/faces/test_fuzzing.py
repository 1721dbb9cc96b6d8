"""A small run of the fuzzer, and proof that it would notice a reader that errs."""

import random
from pathlib import Path

import numpy as np
import pytest

from bench.faces import csv_reading
from benchmarks.fuzz_photos import FORMS
from benchmarks.fuzz_reading import fuzz, fuzz_photos, judge, original_lines
from tests.conftest import write_faces_csv


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return original_lines(write_faces_csv(tmp_path_factory.mktemp("fuzzing") / "faces.csv", rows=3))


@pytest.fixture
def whole(lines: list[bytes]) -> bytes:
    return b"\n".join(lines)


def test_mutated_files_are_read_rightly_or_refused_in_one_line(lines: list[bytes], tmp_path: Path) -> None:
    counts = fuzz(400, lines, random.Random(1), tmp_path)
    assert set(counts) == {"read", "refused"}


def test_the_fuzzer_notices_a_wrong_picture(whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judge(tmp_path / "right.csv", whole) == "read"
    monkeypatch.setattr(csv_reading, "decode_picture", lambda *_: np.zeros((96, 96), np.uint8))
    assert judge(tmp_path / "wrong.csv", whole) == "read wrongly"


def test_the_fuzzer_notices_another_exception(whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no number")

    monkeypatch.setattr(csv_reading, "decode_picture", fail)
    assert judge(tmp_path / "faces.csv", whole) == "ValueError: no number"


@pytest.mark.parametrize("form", FORMS)
def test_mutated_photos_are_read_rightly_or_refused_in_one_line(form: str, tmp_path: Path) -> None:
    counts = fuzz_photos(60, form, random.Random(2), tmp_path)
    assert set(counts) <= {"read", "refused"}
    assert counts["read"]


def test_the_fuzzer_notices_points_a_pixel_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    off = {name: (write, lambda path, read=read: [(picture, points + 1) for picture, points in read(path)])
           for name, (write, read) in FORMS.items()}  # fmt: skip
    monkeypatch.setattr("benchmarks.fuzz_photos.FORMS", off)
    verdicts = fuzz_photos(60, "pts", random.Random(2), tmp_path)
    assert any(verdict.startswith("read wrongly") for verdict in verdicts)
