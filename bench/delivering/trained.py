"""From a name that the user types to a network with its weights, ready to predict."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.comparing.selection import select
from bench.config.loading import checked_table
from bench.config.model_names import architecture_of, refuse_ensemble
from bench.config.recipe import Recipe
from bench.delivering.fitting import fitted_path
from bench.errors import ModelError
from bench.records.store import RecordStore
from bench.records.weight_facts import SUFFIX, WeightsFacts, kept_weights_path, read_weights_facts
from bench.running.kept_weights import kept_weights

if TYPE_CHECKING:
    from torch import nn

    from bench.training.predictor import Predictor


@dataclass(frozen=True)
class Trained:
    """A network with trained weights, in eval mode on the CPU, and what is known about it."""

    module: "nn.Module"
    facts: WeightsFacts
    recipe: Recipe
    file: Path

    def predictor(self, precision: str = "float32") -> "Predictor":
        """The network as it is used: pictures in, points out."""
        from bench.training.predictor import Predictor

        return Predictor(self.module, self.facts.scheme, flip=self.recipe.test_time_flip, precision=precision).eval()


@dataclass(frozen=True)
class WeightsChoice:
    """What the user asked for.

    Attributes:
        model: an architecture's name, or a weights file that says itself which one it belongs to.
        out: the results folder in which fitted and kept weights are looked up.
        weights: a file to take instead.
        fold: take the weights that a run kept for this fold.
        seed: the repeat whose weights are taken, with ``fold``.
    """

    model: str
    out: Path
    weights: Path | None = None
    fold: int | None = None
    seed: int = 0


def load_trained(choice: WeightsChoice) -> Trained:
    """Find the weights, check that they belong to the model, and build it with them.

    Raises:
        ModelError: no such weights, or those of another architecture.
        ConfigError: an ensemble, or weights with a recipe that this bench does not know.
        ArchitectureError: unknown model, damaged weights, weights with code in them, or of a network that has changed.
    """
    refuse_ensemble(choice.model)
    model, file = _locate(choice)
    refuse_other_forms(file)
    facts = read_weights_facts(file)
    if model is None:
        model = _self_declared(facts, file)
    elif facts.model != architecture_of(model):
        raise ModelError(f"weights {file}: belong to '{facts.model}', not to '{model}'; name the model they are of")
    recipe = checked_table(Recipe, facts.recipe, "recipe", f"weights {file}, of another version of bench")
    return Trained(_filled(model, facts, file), facts, recipe, file)


def refuse_other_forms(file: Path) -> None:
    """Tell what is wrong with a file that is no safetensors file, without running anything in it.

    Raises:
        ArchitectureError: missing, damaged, or it holds code.
        ModelError: plain tensors, without the facts that bench needs.
    """
    if file.suffix != SUFFIX:
        from architectures.machinery.weight_files import read_weights

        read_weights(file)
        raise ModelError(
            f"weights {file}: not written by bench, so how to use them is not known; `bench fit` makes some"
        )


def _locate(choice: WeightsChoice) -> tuple[str | None, Path]:
    if choice.fold is not None and choice.weights is not None:
        raise ModelError(f"--fold {choice.fold} and --weights {choice.weights} exclude each other; leave one out")
    if choice.weights is not None:
        return choice.model, choice.weights
    if choice.fold is not None:
        return choice.model, _kept(choice, choice.fold)
    if Path(choice.model).suffix in (SUFFIX, ".pth", ".pt", ".bin"):
        return None, Path(choice.model)
    import architectures

    architectures.get(architecture_of(choice.model))
    file = fitted_path(choice.out, choice.model)
    if not file.is_file():
        raise ModelError(
            f"model {choice.model}: no fitted weights under {choice.out}; `bench fit --model {choice.model}` makes "
            "them (--fold N takes those that `bench run --keep-weights` kept)"
        )
    return choice.model, file


def _kept(choice: WeightsChoice, fold: int) -> Path:
    entry = select(RecordStore(choice.out)).entries.get(choice.model)
    if entry is None:
        raise ModelError(f"model {choice.model}: not in the latest run under {choice.out}; `bench run` it first")
    for cell in entry.cells:
        if (cell.fold, cell.seed) == (fold, choice.seed) and (file := kept_weights(choice.out, cell)) is not None:
            return file
    kept = [str(cell.fold) for cell in entry.cells if kept_weights_path(choice.out, cell.key).is_file()]
    hint = f"kept are those of fold {', '.join(kept)}" if kept else "run again with --keep-weights"
    raise ModelError(f"model {choice.model}: no weights of fold {fold}, seed {choice.seed} were kept; {hint}")


def _self_declared(facts: WeightsFacts, file: Path) -> str:
    """The model that a file names; a file may not make us load code from a path that the user did not name."""
    if facts.model.partition(":")[0].endswith(".py"):
        raise ModelError(
            f"weights {file}: belong to the network '{facts.model}', whose code you must name yourself: "
            f"--model FILE.py:NAME --weights {file}"
        )
    return facts.model


def _filled(model: str, facts: WeightsFacts, file: Path) -> "nn.Module":
    import architectures
    from architectures.machinery.weight_files import fill

    entry = architectures.get(architecture_of(model))
    module = entry.build(**facts.scheme.dimensions, **architectures.without_start(facts.options))
    fill(module, file, f"'{model}' has changed since; fit it again with `bench fit`")
    return module.eval()
