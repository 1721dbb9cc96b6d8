"""A board whose rows all have the same seeds and folds keeps its numbers, to the last digit that floats share.

``fixtures/equal_seeds.json`` was written before rows could have unequal seeds: ``python -m
tests.comparing.test_equal_seeds`` writes it again.
"""

import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from bench.comparing.choosing import options_by_error
from bench.comparing.ranking import rank_losses
from bench.comparing.verdict import compare
from bench.reporting.material import collect
from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results
from tests.comparing.losses import Layout, draw_losses

FIXTURE = Path(__file__).parent / "fixtures" / "equal_seeds.json"
MODELS = [
    DrawnModel("best", 1.2),
    DrawnModel("rival", 1.25),
    DrawnModel("steady", 1.3),
    DrawnModel("far", 3.0),
    DrawnModel("ensemble:best+rival", 0, kind="ensemble"),
    DrawnModel("ridge", 1.6, kind="gate"),
]


def board_numbers(out: Path, seeds: int) -> dict[str, Any]:
    """Everything that the statistics say of a drawn board."""
    material = collect(draw_results(out, DrawnResults(MODELS, seeds=seeds, rows=120, people=30)))
    order = material.ranking.order
    return {
        "ranking": asdict(material.ranking),
        "options": [asdict(one) for one in options_by_error(material.observations, order)],
        "verdict": asdict(compare(material.observations, material.ranking, order[0], order[1])),
        "document": material.document,
    }


def numbers() -> dict[str, Any]:
    """The content of the fixture, as JSON gives it back."""
    layouts = {"three seeds": Layout(), "one seed": Layout(seeds=1), "one fold": Layout(folds=1, seeds=2)}
    found: dict[str, Any] = {
        name: asdict(rank_losses(draw_losses([2.0, 2.05, 2.2], layout, noise=0.1))) for name, layout in layouts.items()
    }
    with TemporaryDirectory() as folder:
        for seeds in (1, 3):
            found[f"board of {seeds}"] = board_numbers(Path(folder, str(seeds)), seeds)
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def assert_same(new: object, old: object, place: str) -> None:
    """Equal but for the rounding of sums that are added up in another order; new facts may have come beside them."""
    if isinstance(old, dict):
        assert isinstance(new, dict) and [key for key in new if key in old] == list(old), place
        for key, value in old.items():
            assert_same(new[key], value, f"{place}.{key}")
    elif isinstance(old, list):
        assert isinstance(new, list) and len(new) == len(old), place
        for number, value in enumerate(old):
            assert_same(new[number], value, f"{place}[{number}]")
    elif isinstance(old, float):
        assert isinstance(new, float), place
        assert np.isclose(new, old, rtol=1e-10, atol=1e-14, equal_nan=True), (place, new, old)
    else:
        assert new == old, place


@pytest.mark.filterwarnings("error")
def test_a_board_of_equal_seeds_and_folds_keeps_its_numbers() -> None:
    assert_same(numbers(), json.loads(FIXTURE.read_text()), "fixture")


if __name__ == "__main__":
    FIXTURE.parent.mkdir(exist_ok=True)
    FIXTURE.write_text(json.dumps(numbers(), indent=1, sort_keys=False) + "\n")
