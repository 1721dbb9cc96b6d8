"""The plan: each model is resolved once, and each set of parameters of a nested search once."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.config.loading import load_config
from bench.config.settings import Config
from bench.errors import ConfigError
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces
from bench.records.schema import VariantFacts
from bench.records.store import RecordStore
from bench.records.tuned import FoldFinding, TunedParameters, write_tuned
from bench.running import plan as planning
from bench.running.plan import Plan, make_plan
from bench.running.run import trained_elsewhere
from bench.running.variants import network_variant
from bench.scheme import Scheme


def planned(csv: Path, **options: Any) -> Plan:
    source = FaceSource(csv, "none")
    run = {"models": ("plain_cnn",), "data": csv, "groups": "none", "folds": 3, "out": csv.parent / "results"}
    return make_plan(load_config(None, (), {**run, **options}), source, load_faces(source))


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[VariantFacts]:
    """Every variant that was resolved, one entry for each time."""
    seen: list[VariantFacts] = []
    whole = network_variant

    def resolve(config: Config, model: str, scheme: Scheme) -> VariantFacts:
        seen.append(whole(config, model, scheme))
        return seen[-1]

    monkeypatch.setattr(planning, "network_variant", resolve)
    return seen


def test_a_model_is_resolved_once_for_all_folds_and_seeds(faces_csv: Path, resolved: list[VariantFacts]) -> None:
    plan = planned(faces_csv, seeds=2)
    assert len(resolved) == 1
    cells = [cell for cell in plan.cells if cell.kind == "network"]
    assert [(cell.fold, cell.seed) for cell in cells] == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
    assert all(cell.task.variant is resolved[0] for cell in cells)
    assert len({cell.task.seed for cell in cells}) == len({cell.key for cell in cells}) == 6


def test_each_set_of_nested_parameters_is_resolved_once(faces_csv: Path, resolved: list[VariantFacts]) -> None:
    protocol = planned(faces_csv).protocol_digest
    findings = tuple(
        FoldFinding(outer_fold=fold, study="s", options={"width": width}) for fold, width in enumerate((16, 24, 16))
    )
    tuned = TunedParameters(
        model="plain_cnn", mode="nested", protocol=protocol, folds=findings, adopted=True, verdict="better",
        search_epochs=4, epochs=8,
    )  # fmt: skip
    write_tuned(faces_csv.parent / "results", tuned)
    resolved.clear()
    plan = planned(faces_csv, tuned=True)
    assert len(resolved) == 3  # the plain model, and two sets of its tuned form
    cells = [cell for cell in plan.cells if cell.model == "plain_cnn@tuned"]
    assert [cell.task.variant.options["width"] for cell in cells] == [16, 24, 16]
    assert {cell.variant_digest for cell in cells} == {plan.variants["plain_cnn@tuned"].digest}


def test_another_value_typed_than_the_search_found_is_refused_by_name(faces_csv: Path, tmp_path: Path) -> None:
    protocol = planned(faces_csv).protocol_digest
    finding = FoldFinding(outer_fold=0, study="s", options={"width": 16}, recipe={"lr": 0.003, "epochs": 7})
    tuned = TunedParameters(
        model="plain_cnn", mode="plain", protocol=protocol, folds=(finding,), adopted=True, verdict="better",
        search_epochs=4, epochs=8,
    )  # fmt: skip
    write_tuned(faces_csv.parent / "results", tuned)

    def found(*assignments: str, file: Path | None = None, **options: Any) -> dict[str, Any]:
        source = FaceSource(faces_csv, "none")
        run = {"data": faces_csv, "groups": "none", "folds": 3, "out": faces_csv.parent / "results", "tuned": True}
        config = load_config(file, assignments, {"models": ("plain_cnn",), **run, **options})
        facts = make_plan(config, source, load_faces(source)).variants["plain_cnn@tuned"].facts
        return {**facts.options, **facts.network_recipe.model_dump()}

    expected = {"width": 16, "lr": 0.003, "epochs": 7, "batch_size": 8}
    unlike = ("recipe.lr=0.1", "models.plain_cnn.recipe.lr=0.1", "models.plain_cnn.width=8")
    for assignment in unlike:
        with pytest.raises(ConfigError, match=r"plain_cnn@tuned: .* is typed, and the search found .*; leave it out"):
            found(assignment)
    with pytest.raises(ConfigError, match=r"recipe.epochs = 3 is typed, and the search found 7"):
        found(epochs=3)
    assert found("recipe.lr=0.003", "recipe.batch_size=8", "models.plain_cnn.width=16").items() >= expected.items()
    with pytest.raises(ConfigError, match=r"settings of models.plain_cnn@tuned: unknown model .* mean plain_cnn"):
        found("models.plain_cnn@tuned.recipe.lr=0.1", models=("plain_cnn", "plain_cnn@tuned"))
    file = tmp_path / "defaults.toml"
    file.write_text("[recipe]\nlr = 0.1\nbatch_size = 8\n[models.plain_cnn]\nwidth = 8\n")
    assert found(file=file).items() >= expected.items()


def test_what_no_recipe_trains_has_none_and_old_readers_find_an_empty_table(faces_csv: Path) -> None:
    gate = planned(faces_csv).variants["ridge"].facts
    assert gate.recipe is None
    with pytest.raises(ValueError, match="only networks"):
        _ = gate.network_recipe
    assert gate.model_dump(mode="json")["recipe"] == {}
    assert VariantFacts.model_validate({"recipe": {}}).recipe is None
    assert VariantFacts.model_validate({"recipe": {"lr": 0.5, "of_tomorrow": 1}}).network_recipe.lr == 0.5


def test_kernels_of_a_record_that_noted_none_have_a_name_in_what_is_told(
    faces_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(faces_csv)
    cell = next(cell for cell in plan.cells if cell.kind == "network")
    record = SimpleNamespace(
        status="ok", kernels="", dataset=None, protocol=None,
        variant_digest=cell.variant_digest, fold=cell.fold, seed=cell.seed,
    )  # fmt: skip
    monkeypatch.setattr("bench.running.run.protocol_digest", lambda *_: plan.protocol_digest)
    monkeypatch.setattr(RecordStore, "cells_of", lambda *_: [record])
    monkeypatch.setattr(RecordStore, "damage", lambda *_: None)
    with pytest.raises(ConfigError, match="computed with kernels that were not noted, and this machine computes with"):
        trained_elsewhere(RecordStore(faces_csv.parent / "results"), plan, refused=True)
