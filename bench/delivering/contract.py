"""What every architecture must do, as checks that a test or ``bench check`` runs one by one."""

import copy
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import architectures
from bench.config.model_names import refuse_ensemble
from bench.delivering.examinee import FACES, BrokenContract, Examinee
from bench.delivering.exporting import TOLERANCE_PX, example, largest_difference_px, pt2_runner
from bench.errors import BenchError
from bench.faces.folds import assign_folds
from bench.gates import predict_gate
from bench.measuring.accuracy import rmse_px
from bench.records.keys import INSTALLED
from bench.scheme import SEED_SCHEME, Scheme
from bench.training.loop import Examples, Execution, predict, train
from bench.training.portable import quiet, write_pt2
from bench.training.predictor import Predictor

FOLDS = 5
TRAINING_SECONDS = 40.0
"""Planned length of the training check: with building, probing and predicting it ends within a minute. Only a network
that has not learnt by then is trained for MOST_EPOCHS."""

MOST_EPOCHS = 60
LARGEST_BATCH = 16
"""Of the training check: with the batches of 128 that suit thousands of rows, 160 rows would make one step an epoch."""

FEWEST_EPOCHS = 2
STEPS_TO_MOVE = 3
ROW_TOLERANCE = 1e-4
"""Normalised units, 0.005 px: batches of other sizes may round differently."""


@dataclass(frozen=True)
class Check:
    """One demand of the contract, with ``{scheme...}`` where it depends on one. ``run`` raises where it is not met."""

    name: str
    demand: str
    run: Callable[[Examinee], None]


@dataclass(frozen=True)
class CheckOutcome:
    """The outcome of one check: ``problem`` is None where it passed."""

    name: str
    demand: str
    problem: str | None
    seconds: float


def check_contract(
    model: str, on_outcome: Callable[[CheckOutcome], None], scheme: Scheme = SEED_SCHEME
) -> list[CheckOutcome]:
    """Run every check on a model, built for a scheme, whichever fail before; the outcomes in order.

    Raises:
        ArchitectureError: the name leads to no architecture.
        ConfigError: it is that of an ensemble.
    """
    refuse_ensemble(model)
    examinee = Examinee(model, scheme)
    _ = examinee.architecture
    outcomes = []
    for check in CHECKS:
        started = time.perf_counter()
        problem = None
        try:
            check.run(examinee)
        except Exception as error:  # whatever a user's network raises is the outcome
            problem = describe_problem(error)
        demand = check.demand.format(scheme=scheme)
        outcomes.append(CheckOutcome(check.name, demand, problem, time.perf_counter() - started))
        on_outcome(outcomes[-1])
    return outcomes


def describe_problem(error: Exception) -> str:
    """One line: our own words as they are, others with their kind and the line of the user's file they came from."""
    text = " ".join(str(error).split())[:300]
    if isinstance(error, BrokenContract | BenchError | architectures.ArchitectureError):
        return text
    frames = traceback.extract_tb(error.__traceback__)
    # The last line outside of installed libraries: errors usually surface deep inside torch.
    own = [frame for frame in frames if not set(INSTALLED) & set(Path(frame.filename).parts)]
    last = (own or frames)[-1]
    return f"{type(error).__name__}: {text} ({Path(last.filename).name}, line {last.lineno})"


def two_numbers_a_point(examinee: Examinee) -> None:
    """Shape and type of the answer."""
    answer = examinee.answer(examinee.module, 3)
    if not isinstance(answer, torch.Tensor):
        raise BrokenContract(f"expected a tensor, found {type(answer).__name__}")
    expected = (3, examinee.scheme.coordinates)
    if tuple(answer.shape) != expected:
        raise BrokenContract(f"expected shape {expected} for three pictures, found {tuple(answer.shape)}")
    if not answer.is_floating_point():
        raise BrokenContract(f"expected floating-point numbers, found {answer.dtype}")


def finite(examinee: Examinee) -> None:
    """No NaN or infinity, also for extreme pictures."""
    module = examinee.module.eval()
    for name, value in (("random", None), ("black", -2.0), ("white", 2.5)):
        pictures = examinee.pictures(2)
        if value is not None:
            pictures.fill_(value)
        with torch.inference_mode():
            broken = int((~torch.isfinite(module(pictures))).sum())
        if broken:
            raise BrokenContract(
                f"{broken} of {2 * examinee.scheme.coordinates} numbers are not finite for {name} pictures"
            )


def gradients(examinee: Examinee) -> None:
    """Each trainable parameter gets a finite gradient, and not only zeros within three steps."""
    module = copy.deepcopy(examinee.module).train()
    trainable = {name: one for name, one in module.named_parameters() if one.requires_grad}
    if not trainable:
        raise BrokenContract("no parameter has requires_grad, so there is nothing to train")
    optimiser = torch.optim.SGD(trainable.values(), lr=1e-2)
    still = set(trainable)
    for _ in range(STEPS_TO_MOVE):
        optimiser.zero_grad()
        _training_loss(examinee, module).backward()  # type: ignore[no-untyped-call]
        for name, parameter in trainable.items():
            if parameter.grad is None:
                raise BrokenContract(f"parameter '{name}' gets no gradient: it takes no part in the answer")
            if not bool(torch.isfinite(parameter.grad).all()):
                raise BrokenContract(f"the gradient of '{name}' is not finite")
            if bool(parameter.grad.any()):
                still.discard(name)
        optimiser.step()
    if still:
        raise BrokenContract(f"the gradient of {', '.join(sorted(still)[:3])} stays zero over {STEPS_TO_MOVE} steps")


def _training_loss(examinee: Examinee, module: nn.Module) -> Tensor:
    pictures = examinee.pictures(4)
    targets = torch.linspace(-0.5, 0.5, examinee.scheme.coordinates).expand(4, -1)
    own = getattr(module, "training_loss", None)
    loss: Tensor = own(pictures, targets) if own is not None else (module(pictures) - targets).square().mean()
    return loss


def eval_is_deterministic(examinee: Examinee) -> None:
    """Two calls in eval mode agree bit for bit."""
    first, second = examinee.answer(examinee.module, 4), examinee.answer(examinee.module, 4)
    if not torch.equal(first, second):
        raise BrokenContract(
            f"two calls in eval mode differ by up to {float((first - second).abs().max()):.3g}: is something random "
            "that does not look at self.training?"
        )


def rows_are_independent(examinee: Examinee) -> None:
    """A picture's answer does not depend on its neighbours in the batch."""
    together = examinee.answer(examinee.module, 5)
    with torch.inference_mode():
        alone = examinee.module.eval()(examinee.pictures(5)[2:3])
    expected = (1, examinee.scheme.coordinates)
    if tuple(alone.shape) != expected:
        raise BrokenContract(f"a batch of one gives shape {tuple(alone.shape)}, expected {expected}")
    difference = float((alone - together[2:3]).abs().max())
    if not difference <= ROW_TOLERANCE:
        raise BrokenContract(f"a batch of one differs from the same row in a batch by {difference:.3g}")


def state_round_trip(examinee: Examinee) -> None:
    """A second module with the first one's state dict gives the same answers."""
    other = examinee.build(seed=99)
    other.load_state_dict(examinee.module.state_dict())
    if not torch.equal(examinee.answer(other, 2), examinee.answer(examinee.module, 2)):
        raise BrokenContract("with the same state dict another module answers differently: some state is not in it")


def trains_below_the_mean_face(examinee: Examinee) -> None:
    """Better than the mean face on the synthetic faces of people it has not seen, after less than a minute."""
    faces = examinee.faces
    fold_of_row = assign_folds(faces, FOLDS, seed=0)
    seen, unseen = np.flatnonzero(fold_of_row != 0), np.flatnonzero(fold_of_row == 0)
    examples = Examples(torch.tensor(faces.images[seen]), torch.tensor(faces.keypoints[seen]), examinee.scheme)
    execution = Execution()
    stamps: list[float] = []
    small = examinee.recipe.model_copy(update={"batch_size": min(examinee.recipe.batch_size, LARGEST_BATCH)})
    probe = small.model_copy(update={"epochs": 2})
    train(copy.deepcopy(examinee.module), examples, probe, execution, lambda _: stamps.append(_own_seconds()))
    # The second epoch, since the first one warms up.
    possible = int(np.clip(TRAINING_SECONDS / (stamps[1] - stamps[0]), FEWEST_EPOCHS, MOST_EPOCHS))
    truth = faces.keypoints[unseen]
    mean_face = predict_gate("mean_face", faces.images[seen], faces.keypoints[seen], faces.images[unseen])
    mean = rmse_px(mean_face, truth)
    for epochs in dict.fromkeys((possible, MOST_EPOCHS)):  # a slow machine takes longer, and says the same
        recipe = small.model_copy(update={"epochs": epochs})
        module = copy.deepcopy(examinee.module)
        train(module, examples, recipe, execution, lambda _: None)
        predictor = Predictor(module, examinee.scheme, flip=recipe.test_time_flip)
        network = rmse_px(predict(predictor, torch.tensor(faces.images[unseen])), truth)
        if network < mean:
            return
    raise BrokenContract(
        f"after {MOST_EPOCHS} epochs it misses by {network:.2f} px, the mean face by {mean:.2f} px: not learnt"
    )


def _own_seconds() -> float:
    """Processor time of this process per thread: what the time would be if nothing else ran here."""
    return time.process_time() / torch.get_num_threads()


def exports(examinee: Examinee) -> None:
    """``torch.export`` follows it, and the file gives the same coordinates at any batch size."""
    predictor = Predictor(copy.deepcopy(examinee.module), examinee.scheme, flip=False).eval()
    with tempfile.TemporaryDirectory() as folder, quiet():
        path = Path(folder) / "checked.pt2"
        write_pt2(predictor, example(examinee.scheme), path, {})
        difference = largest_difference_px(predictor, pt2_runner(path), examinee.faces.images[:16])
    if not difference < TOLERANCE_PX:
        raise BrokenContract(f"the exported file differs by {difference:.3g} px, the limit is {TOLERANCE_PX} px")


CHECKS: tuple[Check, ...] = (
    Check(
        "shape",
        "(B, {scheme.channels}, {scheme.side_px}, {scheme.side_px}) gives (B, {scheme.coordinates})",
        two_numbers_a_point,
    ),
    Check("finite", "numbers are finite", finite),
    Check("gradients", "every parameter learns", gradients),
    Check("deterministic", "eval mode draws nothing at random", eval_is_deterministic),
    Check("rows", "a batch of one equals its row in a batch", rows_are_independent),
    Check("state", "the state dict holds everything", state_round_trip),
    Check(
        "trains",
        f"beats the mean face on {FACES} synthetic faces after {MOST_EPOCHS} epochs at most",
        trains_below_the_mean_face,
    ),
    Check("exports", "torch.export follows it, batch size free", exports),
)
