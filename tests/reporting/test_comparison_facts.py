import pytest

from bench.comparing.ranking import rank
from bench.reporting.comparison_facts import comparison_facts
from tests.comparing.losses import draw_observations


def test_the_summary_holds_floor_parts_winners_and_tails() -> None:
    observations = draw_observations([1.0, 2.0, 0.5])
    kinds = {**observations.kinds, "net_2": "gate"}
    observations = type(observations)(
        observations.truth, observations.groups, observations.fold_of_row, observations.predictions, kinds
    )
    ranking = rank(observations)
    found = comparison_facts(observations, ranking, train_seconds=600)
    assert {one["winner"] for one in found["keypoint_winners"]} == {"net_0"}
    assert set(found["variance_px2"]) == {"net_0", "net_1"}
    assert sum(found["variance_px2"]["net_0"].values()) == pytest.approx(ranking.variance_px2["net_0"].variance)
    seeds = next(way for way in found["resolution_floor"]["lowered_by"] if way["means"] == "seeds")
    assert (seeds["from"], seeds["to"], seeds["extra_minutes"]) == (2, 4, pytest.approx(10))
    assert found["worst_5_percent_rmse_px"]["net_1"]["rmse_px"] > 2


def test_an_empty_ranking_has_an_empty_summary() -> None:
    nobody = draw_observations([1.0]).only(())
    found = comparison_facts(nobody, rank(nobody), train_seconds=0)
    assert found["resolution_floor"] is None and found["keypoint_winners"] == []
