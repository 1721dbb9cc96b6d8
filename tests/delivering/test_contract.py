"""The contract: ours keep it, and each way of breaking it is found and named."""

from pathlib import Path
from typing import Literal

import pytest

from bench.delivering.contract import CHECKS, BrokenContract, Examinee, check_contract, describe_problem
from bench.delivering.skeleton import write_skeleton
from bench.faces.arrays import scheme_of_size
from tests.delivering.conftest import Bench

QUICK = [check for check in CHECKS if check.name not in ("trains", "exports")]

BODY = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(96 * 96, 30)
        {init}

    def forward(self, pictures):
        answer = self.linear(pictures.flatten(1))
        {forward}
        return answer
"""


def write_net(folder: Path, init: str = "pass", forward: str = "pass") -> str:
    path = folder / "net.py"
    path.write_text(BODY.format(init=init, forward=forward))
    return f"{path}:Net"


def problems(model: str) -> dict[str, str]:
    examinee, found = Examinee(model), {}
    for check in QUICK:
        try:
            check.run(examinee)
        except Exception as error:
            found[check.name] = describe_problem(error)
    return found


def test_a_sound_network_has_no_problem(tmp_path: Path) -> None:
    assert problems(write_net(tmp_path)) == {}


@pytest.mark.parametrize(
    ("init", "forward", "check", "words"),
    [
        ("pass", "answer = answer[:, :29]", "shape", "(3, 29)"),
        ("pass", "answer = [answer]", "shape", "expected a tensor, found list"),
        ("pass", "answer = answer.long()", "shape", "floating-point"),
        ("pass", "answer = answer / (pictures.std() + 0.0)", "finite", "not finite for black"),
        ("self.idle = nn.Linear(2, 2)", "pass", "gradients", "'idle.weight' gets no gradient"),
        ("self.dead = nn.Parameter(torch.ones(30))", "answer = answer + 0 * self.dead", "gradients", "stays zero"),
        ("self.requires_grad_(False)", "pass", "gradients", "nothing to train"),
        ("pass", "answer = answer + torch.randn(30)", "deterministic", "two calls in eval mode differ"),
        ("pass", "answer = answer - answer.mean(0)", "rows", "a batch of one differs"),
        ("self.secret = torch.randn(30)", "answer = answer + self.secret", "state", "some state is not in it"),
        ("pass", "answer = nn.Linear(3, 3)(answer)", "shape", "(net.py, line 13)"),
        ("pass", "answer = answer @ torch.ones(3, 3)", "shape", "(net.py, line 13)"),
    ],
)
def test_each_breach_is_found_and_named(tmp_path: Path, init: str, forward: str, check: str, words: str) -> None:
    found = problems(write_net(tmp_path, init, forward))
    assert check in found
    assert words in found[check]
    assert "\n" not in found[check]


@pytest.mark.parametrize("size", [(4, 128, 3), (68, 64, 1), (1, 250, 1)])
def test_a_network_is_checked_for_other_points_and_pictures(
    tmp_path: Path, size: tuple[int, int, Literal[1, 3]]
) -> None:
    write_skeleton("my_net", tmp_path)
    examinee = Examinee(f"{tmp_path / 'my_net.py'}:MyNet", scheme_of_size(*size))
    for check in QUICK:
        check.run(examinee)
    faces = examinee.faces
    assert faces.images.shape[1:] == examinee.scheme.picture_shape
    assert faces.keypoints.shape[1:] == (size[0], 2)


def test_the_command_goes_on_after_a_failure_and_says_so(bench: Bench, tmp_path: Path) -> None:
    write_net(tmp_path, forward="answer = answer[:, :29]")
    done = bench("check", "net.py:Net")
    assert done.returncode == 1
    assert "FAIL  shape" in done.stdout
    assert "ok    state" in done.stdout
    assert bench("check", "../../x").returncode == 2
    done = bench("check", "net.py:Net", "--side", "128", "--channels", "3", "--keypoints", "4")
    assert "FAIL  shape: (B, 3, 128, 128) gives (B, 8)" in done.stdout
    assert "'--side': Input should be less than or equal to 1024" in bench("check", "x", "--side", "2000").stderr


@pytest.mark.slow
def test_a_network_that_cannot_learn_does_not_beat_the_mean_face(tmp_path: Path) -> None:
    model = write_net(tmp_path, forward="answer = 0.0001 * answer")
    with pytest.raises(BrokenContract, match="not learnt"):
        next(check for check in CHECKS if check.name == "trains").run(Examinee(model))


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", ["plain_cnn", "resnet_custom", "heatmap_net", "simcc", "naimishnet", "mobilenetv3_small"]
)
def test_ours_keep_the_whole_contract(model: str) -> None:
    outcomes = check_contract(model, lambda _: None)
    assert [outcome.problem for outcome in outcomes] == [None] * len(CHECKS)
