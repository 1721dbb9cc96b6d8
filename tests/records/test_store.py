"""The store gives back what was put in, and only that."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import RecordError
from bench.records.files import slug
from bench.records.schema import (
    AskedRecord,
    CellRecord,
    CostRecord,
    DatasetFacts,
    LatencyRecord,
    ProtocolFacts,
    VariantFacts,
)
from bench.records.sealing import unsealed_text
from bench.records.store import RecordStore


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
    assert "damaged record set aside" in caplog.text
    assert not path.exists()
    assert path.with_name(f"{path.name}.damaged").exists()


def every_kind(out: Path) -> RecordStore:
    """A store with a record of each kind."""
    store, cell = RecordStore(out), cell_record()
    store.write_cell(cell, ROWS, PREDICTIONS)
    store.write_truth("protocol", np.zeros((4, 15, 2), np.float32), np.arange(4), np.arange(4) % 2)
    store.write_cost(
        CostRecord(model="net", variant_digest="ef", parameters=1, trainable_parameters=1, macs=7, weights_mb=0.5)
    )
    setting = {"batch": 1, "threads": 1, "device": "cpu", "precision": "float32", "memory_format": "contiguous"}
    store.write_latency(LatencyRecord(key="k", model="net", variant_digest="ef", samples_ms=[[1.0, 2.0]], **setting))
    facts = {"dataset": cell.dataset, "protocol": cell.protocol}
    store.write_asked(
        AskedRecord(model="net", kind="network", variant_digest="ef", seeds=1, asked="now", **facts), "protocol"
    )
    return store


def all_read(store: RecordStore) -> tuple[object, ...]:
    """Everything that a store gives; what it refuses in one line is missing."""
    cells, truth = list(store.cells()), None
    with suppress(RecordError):
        truth = tuple(array.tobytes() for array in store.truth("protocol"))
    arrays = []
    for cell in cells:
        with suppress(RecordError):
            arrays.append(tuple(array.tobytes() for array in store.predictions(cell)))
    return cells, arrays, truth, store.costs(), store.latencies(), store.asked()


@pytest.mark.parametrize("pattern", ["cells/*/*.json", "cells/*/*.npz", "truth/*", "costs/*", "latency/*", "asked/*/*"])
def test_a_flipped_bit_is_damage_that_is_set_aside_and_never_another_number(tmp_path: Path, pattern: str) -> None:
    store = every_kind(tmp_path)
    whole = all_read(store)
    (path,) = tmp_path.glob(pattern)
    content = path.read_bytes()
    generator = np.random.default_rng(0)
    head = np.arange(min(len(content), 100) * 8)
    told = 0
    for bit in sorted({*head.tolist(), *generator.integers(0, len(content) * 8, 300).tolist()}):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        found = all_read(RecordStore(tmp_path))
        told += found != whole
        # One in a place that says nothing (a date in the archive, say) changes nothing; any other takes the file away.
        assert all(part == other or part in ([], [()], None) for part, other in zip(found, whole, strict=True)), bit
        path.with_name(f"{path.name}.damaged").unlink(missing_ok=True)
    assert told > 250


def test_a_flipped_bit_in_a_header_of_many_true_labels_is_damage(tmp_path: Path) -> None:
    # So many rows that the header is read before the archive's own checksum has seen the whole array.
    labels = np.random.default_rng(0).normal(size=(400, 15, 2)).astype(np.float32)
    RecordStore(tmp_path).write_truth("protocol", labels, np.arange(400), np.arange(400) % 2)
    (path,) = tmp_path.glob("truth/*")
    content = path.read_bytes()
    header = content.index(b"\x93NUMPY")
    for bit in range(0, 8 * 128, 7):
        flipped = bytearray(content)
        flipped[header + bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(RecordError):
            RecordStore(tmp_path).truth("protocol")
        path.with_name(f"{path.name}.damaged").unlink(missing_ok=True)


def test_records_from_before_there_were_seals_are_read(tmp_path: Path) -> None:
    store = every_kind(tmp_path)
    whole = all_read(store)
    for path in tmp_path.rglob("*.json"):
        path.write_bytes(unsealed_text(path.read_bytes()))
        assert b"seal" not in path.read_bytes()
    assert all_read(RecordStore(tmp_path)) == whole


def test_a_record_that_stands_in_the_place_of_another_is_damage(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    stored = store.write_cell(cell_record(), ROWS, PREDICTIONS)
    own, other = store.cell_path("plain_cnn", stored.key), store.cell_path("plain_cnn", "f" * 16)
    foreign = store.cell_path("resnet_custom", stored.key)
    foreign.parent.mkdir()
    for place in (other, foreign):
        place.write_bytes(own.read_bytes())
    assert store.read_cell("plain_cnn", "f" * 16) is None
    assert store.read_cell("resnet_custom", stored.key) is None
    assert list(store.cells()) == [stored]
    assert other.with_name(f"{other.name}.damaged").exists() and not other.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", ["cells/*/*.json", "cells/*/*.npz", "truth/*", "costs/*", "asked/*/*", "records/*"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, pattern: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = every_kind(tmp_path)
    store.pack()
    for path in list(tmp_path.glob(pattern)):
        path.unlink()
        os.mkfifo(path)
    all_read(RecordStore(tmp_path))
    assert "no regular file" in caplog.text or pattern.endswith("npz") or "truth" in pattern
    with suppress(RecordError):
        RecordStore(tmp_path).pack()


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
