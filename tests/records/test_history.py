"""Records of every schema version that was ever written stay readable, and mean what they meant."""

from pathlib import Path

import pytest

from bench.records.schema import AskedRecord, CellRecord, CostRecord, LatencyRecord, Stored

HISTORY = Path(__file__).parent / "history"
KINDS: dict[str, type[Stored]] = {
    "cell": CellRecord,
    "latency": LatencyRecord,
    "cost": CostRecord,
    "asked": AskedRecord,
}


@pytest.mark.parametrize("path", sorted(HISTORY.glob("*.json")), ids=lambda path: path.stem)
def test_an_old_record_is_read(path: Path) -> None:
    kind, _, version = path.stem.partition("-schema-")
    record = KINDS[kind].model_validate_json(path.read_bytes())
    assert record.model_dump(by_alias=True)["schema"] == int(version)


def test_each_kind_has_a_record_of_its_first_schema() -> None:
    assert {path.stem for path in HISTORY.glob("*-schema-1.json")} == {f"{kind}-schema-1" for kind in KINDS}


def test_a_cell_of_schema_1_means_what_it_meant() -> None:
    record = CellRecord.model_validate_json((HISTORY / "cell-schema-1.json").read_bytes())
    assert (record.model, record.kind, record.status, record.fold, record.seed) == ("plain_cnn", "network", "ok", 4, 0)
    assert record.predictions_sha256 is not None
    assert record.curve[0].epoch == 1
    assert record.dataset.rows > 0
