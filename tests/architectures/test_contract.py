"""The contract that every registered architecture keeps."""

import copy

import pytest
import torch
from torch import Tensor, nn

import architectures

NAMES = list(architectures.registered())


@pytest.fixture(scope="module", params=NAMES)
def module(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    return architectures.build(request.param)


def pictures(rows: int) -> Tensor:
    return torch.randn(rows, 1, 96, 96, generator=torch.Generator().manual_seed(1))


def test_thirty_finite_coordinates(module: nn.Module) -> None:
    with torch.inference_mode():
        answer = module.eval()(pictures(3))
    assert answer.shape == (3, 30)
    assert torch.isfinite(answer).all()


def test_the_first_answers_lie_in_the_frame(module: nn.Module) -> None:
    with torch.inference_mode():
        assert module.eval()(pictures(8)).abs().max() < 1.5


def test_every_parameter_gets_a_gradient_within_three_steps(module: nn.Module) -> None:
    trained = copy.deepcopy(module).train()
    optimiser = torch.optim.SGD(trained.parameters(), lr=1e-2)
    moved = {name: False for name, parameter in trained.named_parameters() if parameter.requires_grad}
    for _ in range(3):
        optimiser.zero_grad()
        loss_of(trained).backward()
        for name, parameter in trained.named_parameters():
            if parameter.requires_grad:
                assert parameter.grad is not None, name
                assert torch.isfinite(parameter.grad).all(), name
                moved[name] |= bool(parameter.grad.abs().max() > 0)
        optimiser.step()
    assert all(moved.values()), [name for name, seen in moved.items() if not seen]


def loss_of(module: nn.Module) -> Tensor:
    targets = torch.linspace(-0.5, 0.5, 30).expand(4, 30)
    if hasattr(module, "training_loss"):
        loss = module.training_loss(pictures(4), targets)
        assert isinstance(loss, Tensor)
        return loss
    return (module(pictures(4)) - targets).square().mean()


def test_eval_is_deterministic_and_a_batch_of_one_equals_its_row(module: nn.Module) -> None:
    with torch.inference_mode():
        together = module.eval()(pictures(5))
        assert torch.equal(together, module(pictures(5)))
        alone = module(pictures(5)[2:3])
    assert torch.allclose(alone, together[2:3], atol=1e-4)


def test_weights_survive_the_round_trip(module: nn.Module, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.params["module"]
    torch.manual_seed(99)
    other = architectures.build(name)
    other.load_state_dict(module.state_dict())
    with torch.inference_mode():
        assert torch.equal(other.eval()(pictures(2)), module.eval()(pictures(2)))


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
