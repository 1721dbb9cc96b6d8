"""The tables behind the ties say what the ranking says."""

from pathlib import Path

import pytest

from bench.reporting.evidence import evidence, keypoint_winners
from bench.reporting.material import Material, collect
from bench.reporting.tables import FactTable
from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results

MODELS = [DrawnModel("near", 1.0), DrawnModel("far", 2.5), DrawnModel("mean_face", 4.6, kind="gate", latency_ms=None)]


def tables(material: Material) -> dict[str, FactTable]:
    return {table.name: table for table in evidence(material.facts, material.ranking)}


@pytest.fixture(scope="module")
def two_seeds(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return collect(draw_results(tmp_path_factory.mktemp("results"), DrawnResults(MODELS, seeds=2)))


def test_every_model_is_set_against_the_best_network(two_seeds: Material) -> None:
    table = tables(two_seeds)["evidence-best"]
    assert [line[0] for line in table.lines] == ["far", "mean_face"]
    rows = {row.model: row.rmse_px or 0.0 for row in two_seeds.rows}
    behind = float(table.lines[0][1])
    low, high = (float(bound) for bound in table.lines[0][2].split(" to "))
    assert behind == pytest.approx(rows["far"] - rows["near"], abs=0.001)
    assert low < behind < high
    assert table.lines[0][-2] == ("yes" if two_seeds.ranking.pair("near", "far").better else "no")


def test_what_would_sharpen_the_run_is_named_with_its_price(two_seeds: Material) -> None:
    table = tables(two_seeds)["evidence-sharper"]
    for _, _, _, expected, interval, _ in table.lines:
        low, high = map(float, interval.split(" to "))
        assert low < float(expected) < high
    assert {line[0] for line in table.lines} == {"more training seeds", "more folds", "more groups"}
    assert all(line[-1].endswith((" s", " min")) for line in table.lines)


def test_variance_shares_add_up(two_seeds: Material) -> None:
    lines = tables(two_seeds)["evidence-variance"].lines
    assert {line[0] for line in lines} >= {"near", "far"}
    assert all(sum(map(float, line[2:])) == pytest.approx(100, abs=2) for line in lines)


def test_the_worst_faces_are_worse_than_all(two_seeds: Material) -> None:
    rows = {row.model: row.rmse_px or 0.0 for row in two_seeds.rows}
    lines = tables(two_seeds)["evidence-tail"].lines
    assert {line[0] for line in lines} == set(rows)
    assert all(float(line[1]) > rows[line[0]] for line in lines)


def test_a_clear_winner_wins_at_every_keypoint(two_seeds: Material) -> None:
    table = keypoint_winners(two_seeds.facts)
    assert table is not None
    assert len(table.lines) == 15
    assert all(line[1] == line[2] == "near" for line in table.lines)


def test_a_network_alone_wins_nothing(tmp_path: Path) -> None:
    assert keypoint_winners(collect(draw_results(tmp_path, DrawnResults(MODELS[1:]))).facts) is None


def test_one_fold_and_one_seed_claim_nothing(tmp_path: Path) -> None:
    quick = collect(draw_results(tmp_path, DrawnResults(MODELS, quick=True)))
    found = tables(quick)
    assert "evidence-sharper" not in found
    assert {line[0]: line[2:] for line in found["evidence-best"].lines}["far"] == ("–",) * 5
