"""Results that leave something out still make every report, and nothing in them reads ``nan``."""

import re
from pathlib import Path

import pytest

from bench.comparing.choosing import options_by_error
from bench.comparing.verdict import compare
from bench.reporting.rebuilding import report_from_records
from bench.reporting.verdict_words import verdict_words
from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results

NETWORKS = (DrawnModel("a", 1.5), DrawnModel("b", 1.5))
GATE = DrawnModel("ridge", 2.4, kind="gate", latency_ms=None)
CASES = {
    "gates alone": DrawnResults([GATE, DrawnModel("knn", 3.0, kind="gate", latency_ms=None)]),
    "one network alone": DrawnResults(NETWORKS[:1], seeds=2),
    "no row labelled": DrawnResults([*NETWORKS, GATE], unlabelled_fraction=1.0),
    "hardly a row labelled": DrawnResults([*NETWORKS, GATE], unlabelled_fraction=0.97, seeds=2),
    "a row for each person and fold": DrawnResults([*NETWORKS, GATE], rows=5, people=5, seeds=2),
    "one person scored": DrawnResults([*NETWORKS, GATE], rows=5, people=5, seeds=2, quick=True),
    "everything failed": DrawnResults([DrawnModel("a", 1.5, failed_folds=range(5))]),
    "the same predictions twice": DrawnResults([DrawnModel("a", 0.0), DrawnModel("b", 0.0), GATE]),
}


@pytest.mark.parametrize("case", CASES)
def test_every_report_is_written(tmp_path: Path, case: str) -> None:
    draw_results(tmp_path, CASES[case])
    material, paths = report_from_records(tmp_path)
    assert len(paths) == 4
    for path in paths:
        assert not re.search(r"\bnan\b", path.read_text().split("<script>")[0], re.IGNORECASE), path.name
    ranked = material.ranking.order
    if len(ranked) > 1:
        assert "nan" not in verdict_words(compare(material.observations.only(ranked), material.ranking, *ranked[:2]))
    networks = [model for model in ranked if material.observations.kinds[model] == "network"]
    assert [option.model for option in options_by_error(material.observations, networks)] == networks
