"""The store gives back what was put in, and only that."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import RecordError
from bench.records.schema import CellRecord, DatasetFacts, ProtocolFacts, VariantFacts
from bench.records.store import RecordStore, slug


def cell_record(**changes: object) -> CellRecord:
    facts = {
        "key": "0123456789abcdef",
        "status": "ok",
        "kind": "network",
        "model": "plain_cnn",
        "fold": 0,
        "seed": 0,
        "dataset": DatasetFacts(name="f.csv", fingerprint="ab", rows=4, groups=2, grouping="none", people_known=False),
        "protocol": ProtocolFacts(folds=2, seed=0, folds_digest="cd"),
        "variant": VariantFacts(),
        "variant_digest": "ef",
        "train_rows": 2,
        "scored_rows": 2,
    }
    return CellRecord.model_validate({**facts, **changes})


ROWS = np.array([1, 3])
PREDICTIONS = np.random.default_rng(0).normal(size=(2, 15, 2)).astype(np.float32)


def test_a_cell_comes_back_bit_for_bit(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    stored = store.write_cell(cell_record(), ROWS, PREDICTIONS)
    assert list(store.cells()) == [stored]
    rows, predictions = store.predictions(stored)
    assert rows.tolist() == ROWS.tolist()
    assert predictions.tobytes() == PREDICTIONS.tobytes()


def test_a_record_cut_short_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = RecordStore(tmp_path)
    stored = store.write_cell(cell_record(), ROWS, PREDICTIONS)
    path = store.cell_path(stored.model, stored.key)
    path.write_text(path.read_text()[:100])
    assert list(store.cells()) == []
    assert store.read_cell(stored.model, stored.key) is None
    assert "passed over" in caplog.text


def test_a_failure_never_takes_the_place_of_a_success(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    failure = cell_record(status="failed", cause="circumstance")
    assert store.write_cell(failure, None, None).cause == "circumstance"
    stored = store.write_cell(cell_record(), ROWS, PREDICTIONS)
    assert store.write_cell(failure, None, None) == stored
    assert list(store.cells()) == [stored]


def test_arrays_that_are_not_the_sealed_ones_are_refused(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    stored = store.write_cell(cell_record(), ROWS, PREDICTIONS)
    arrays = store.cell_path(stored.model, stored.key).with_suffix(".npz")
    arrays.write_bytes(arrays.read_bytes()[:-1] + b"x")
    with pytest.raises(RecordError, match="does not match its record"):
        store.predictions(stored)


def test_a_record_that_cannot_be_written_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "cells").write_text("a file where a folder should be")
    with pytest.raises(RecordError, match=r"cells.*0123456789abcdef.*cannot be written"):
        RecordStore(tmp_path).write_cell(cell_record(), ROWS, PREDICTIONS)


def test_a_newer_schema_is_passed_over_not_misread(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    store.write_cell(cell_record(schema=99), ROWS, PREDICTIONS)
    assert list(store.cells()) == []


@given(st.text(max_size=80))
def test_a_slug_stays_in_its_folder(name: str) -> None:
    made = slug(name)
    assert Path("cells", made).parent == Path("cells")
    assert made not in {"", ".", ".."}
    assert made.isascii()


@given(st.text(max_size=30), st.text(max_size=30))
def test_different_names_have_different_slugs(one: str, other: str) -> None:
    assert (slug(one) == slug(other)) == (one == other)
