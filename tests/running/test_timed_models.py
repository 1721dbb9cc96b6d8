"""Which variant `bench latency` measures: what the leaderboard shows, as long as that still stands."""

from pathlib import Path

import pytest

from bench.config.loading import load_config
from bench.config.settings import Config
from bench.errors import ConfigError
from bench.records.keys import variant_digest
from bench.records.schema import AskedRecord, CellRecord, DatasetFacts, ProtocolFacts, VariantFacts
from bench.records.store import RecordStore
from bench.running.timed_models import models_to_time, networks_shown
from bench.running.variants import network_variant

DATASET = DatasetFacts(name="f.csv", fingerprint="f", rows=4, groups=2, grouping="none", people_known=False)
PROTOCOL = ProtocolFacts(folds=2, seed=0, folds_digest="d")


def configured(out: Path, model: str, *assignments: str) -> Config:
    return load_config(None, assignments, {"models": (model,), "out": out})


def recorded(out: Path, model: str, variant: VariantFacts) -> RecordStore:
    """A store that shows this variant of a model."""
    store, name = RecordStore(out), variant_digest(model, variant)
    asked = AskedRecord(
        model=model, kind="network", variant_digest=name, seeds=1, dataset=DATASET, protocol=PROTOCOL, asked="now"
    )
    store.write_asked(asked, "protocol")
    cell = CellRecord(
        key="cell", status="failed", kind="network", model=model, fold=0, seed=0, dataset=DATASET, protocol=PROTOCOL,
        variant=variant, variant_digest=name, train_rows=2, scored_rows=2, cause="raised",
    )  # fmt: skip
    store.write_cell(cell, None, None)
    return store


@pytest.mark.parametrize("model", ["plain_cnn", "plain_cnn@tuned"])
def test_what_the_leaderboard_shows_is_measured(tmp_path: Path, model: str) -> None:
    variant = network_variant(configured(tmp_path, "plain_cnn", "models.plain_cnn.width=24"), "plain_cnn")
    store = recorded(tmp_path, model, variant)
    assert networks_shown(store) == (model,)
    (timed,) = models_to_time(configured(tmp_path, model), store)
    assert (timed.model, timed.architecture) == (model, "plain_cnn")
    assert timed.variant_digest == variant_digest(model, variant)
    assert timed.options["width"] == 24


def test_a_setting_that_is_typed_overrides_what_is_recorded(tmp_path: Path) -> None:
    variant = network_variant(configured(tmp_path, "plain_cnn", "models.plain_cnn.width=24"), "plain_cnn")
    store = recorded(tmp_path, "plain_cnn", variant)
    (timed,) = models_to_time(configured(tmp_path, "plain_cnn", "models.plain_cnn.width=8"), store)
    assert timed.options["width"] == 8
    assert timed.variant_digest != variant_digest("plain_cnn", variant)


def test_after_a_change_of_sources_a_network_is_measured_anew_and_a_tuned_one_refused(tmp_path: Path) -> None:
    variant = network_variant(configured(tmp_path, "plain_cnn"), "plain_cnn")
    changed = variant.model_copy(update={"code_digest": "another"})
    store = recorded(tmp_path, "plain_cnn", changed)
    (timed,) = models_to_time(configured(tmp_path, "plain_cnn"), store)
    assert timed.variant_digest == variant_digest("plain_cnn", variant)
    store = recorded(tmp_path / "tuned", "plain_cnn@tuned", changed)
    with pytest.raises(ConfigError, match="bench run --models plain_cnn@tuned"):
        models_to_time(configured(tmp_path, "plain_cnn@tuned"), store)
