"""On CUDA: replayed steps, trainings side by side and graphs in latency do what one by one would."""

import pytest
import torch

import architectures
from bench.config.recipe import Recipe
from bench.measuring.latency.networks import FORWARD, GraphNetwork, Plan, TimedModel, TorchNetwork
from bench.scheme import SEED_SCHEME
from bench.training.loop import Examples, Execution, training
from bench.training.precision import compute_alike
from bench.training.turns import Turns, in_turns

if not torch.cuda.is_available():
    pytest.skip("needs CUDA", allow_module_level=True)

NETWORKS = ("resnet_custom", "plain_cnn", "heatmap_net", "simcc", "naimishnet", "mobilenetv3_small", "vit_tiny")
MIRRORED_PAIRS_SEED = 3


def trained(model: str, seed: int, *, replayed: bool, epochs: int = 2) -> Turns[list[torch.Tensor]]:
    """All that a training leaves in a network."""
    torch.manual_seed(seed)
    module = architectures.build(model, **({"dropout": 0.3} if model == "plain_cnn" else {}))
    generator = torch.Generator().manual_seed(MIRRORED_PAIRS_SEED)
    pictures = torch.randint(0, 256, (96, 96, 96), dtype=torch.uint8, generator=generator)
    points = torch.rand(96, 15, 2, generator=generator) * 90
    points[0, 0] = float("nan")
    given = {**architectures.get(model).recipe, "epochs": epochs, "batch_size": 16}
    recipe = Recipe(**given)  # type: ignore[arg-type]
    execution = Execution("cuda", "bfloat16", seed, replayed)
    yield from training(module, Examples(pictures, points, SEED_SCHEME), recipe, execution, lambda _: None)
    return [each.detach().cpu() for each in module.state_dict().values()]


def together(*works: Turns[list[torch.Tensor]]) -> list[list[torch.Tensor]]:
    return [result for _, result in sorted(in_turns(works, "cuda"), key=lambda ended: ended[0])]


def differences(one: list[torch.Tensor], other: list[torch.Tensor]) -> list[float]:
    return [float((a.double() - b.double()).abs().max()) for a, b in zip(one, other, strict=True)]


@pytest.fixture(autouse=True, scope="module")
def _alike() -> None:
    compute_alike()


@pytest.mark.filterwarnings("ignore:.*does not have a deterministic implementation")
@pytest.mark.parametrize("model", NETWORKS)
def test_a_replayed_training_ends_with_the_bits_of_one_step_by_step(model: str) -> None:
    (stepwise,) = together(trained(model, 1, replayed=False))
    (again,) = together(trained(model, 1, replayed=False))
    (replayed,) = together(trained(model, 1, replayed=True))
    assert max(differences(stepwise, again)) == 0, "two trainings differ"
    assert max(differences(stepwise, replayed)) == 0


@pytest.mark.filterwarnings("ignore:.*does not have a deterministic implementation")
def test_side_by_side_each_ends_as_it_would_alone() -> None:
    models = ("plain_cnn", "resnet_custom", "plain_cnn")
    alone = [together(trained(model, seed, replayed=True))[0] for seed, model in enumerate(models)]
    beside = together(*(trained(model, seed, replayed=True, epochs=2) for seed, model in enumerate(models)))
    for one, other in zip(alone, beside, strict=True):
        assert max(differences(one, other)) == 0


@pytest.mark.parametrize("end_to_end", [False, True])
def test_a_graph_answers_as_the_network_does(end_to_end: bool) -> None:
    timed = TimedModel("resnet_custom", "resnet_custom")
    series = FORWARD._replace(end_to_end=end_to_end)
    stepwise = TorchNetwork(Plan(timed, "torch", "cuda")).prepare(series)
    graph = GraphNetwork(Plan(timed, "graph", "cuda")).prepare(series)
    for number in (0, 1, 5):
        expected, found = torch.as_tensor(stepwise(number)), torch.as_tensor(graph(number))
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        assert expected.std() > 0
