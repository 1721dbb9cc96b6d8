"""The contract that every registered architecture keeps: the checks of ``bench check``, and what concerns only ours."""

import pytest
import torch
from torch import Tensor

import architectures
from bench.delivering.contract import CHECKS, Check, Examinee

NAMES = list(architectures.registered())
QUICK = [check for check in CHECKS if check.name not in ("trains", "exports")]


@pytest.fixture(scope="module", params=NAMES)
def examinee(request: pytest.FixtureRequest) -> Examinee:
    return Examinee(request.param)


@pytest.mark.parametrize("check", QUICK, ids=lambda check: check.name)
def test_every_architecture_keeps_the_contract(examinee: Examinee, check: Check) -> None:
    check.run(examinee)


def test_the_first_answers_lie_in_the_frame(examinee: Examinee) -> None:
    assert examinee.answer(examinee.module, 8).abs().max() < 1.5


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_the_first_weights(name: str) -> None:
    def built() -> dict[str, Tensor]:
        torch.manual_seed(5)
        return architectures.build(name).state_dict()

    first, second = built(), built()
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", NAMES)
def test_spaces_name_options_of_the_builder(name: str) -> None:
    entry = architectures.get(name)
    assert set(entry.space) <= set(entry.option_names())
    assert entry.summary
