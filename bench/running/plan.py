"""The plan of a run: which cells there are, and the key of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.config.model_names import TUNED_SUFFIX, architecture_of, is_ensemble, members_of
from bench.config.settings import Config
from bench.errors import ConfigError
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.folds import assign_folds, folds_digest
from bench.gates import GATES
from bench.records.keys import cell_key, digest, protocol_digest
from bench.records.schema import DatasetFacts, Kind, ProtocolFacts, VariantFacts
from bench.records.tuned import TunedParameters, load_tuned
from bench.records.weight_facts import kept_weights_path, seen_data
from bench.running.task import FoldTask, cell_seed
from bench.running.variants import Variant, gate_variant, network_variant
from bench.scheme import Scheme


@dataclass(frozen=True)
class Cell:
    """The unit of work and its place in the store; ``kernels`` are those of this machine."""

    key: str
    model: str
    kind: Kind
    fold: int
    seed: int
    variant_digest: str
    kernels: str
    task: FoldTask


@dataclass(frozen=True)
class Plan:
    """Everything a run will do, decided before anything is trained.

    ``variants`` are by model, in the order asked; gates come last. ``notes`` are what the reader of the faces said.
    """

    dataset: DatasetFacts
    protocol: ProtocolFacts
    protocol_digest: str
    fold_of_row: NDArray[np.int64]
    variants: dict[str, Variant]
    cells: tuple[Cell, ...]
    seeds: int
    notes: tuple[str, ...] = ()

    @property
    def device(self) -> str:
        """Where the networks train, with nothing left ``auto``."""
        return next(iter(self.variants.values())).facts.device


def make_plan(
    config: Config, source: FaceSource, faces: FaceSet, found: Mapping[str, TunedParameters] | None = None
) -> Plan:
    """Lay out the cells of a run: fold by fold, so that all models get their first fold early.

    Tuned parameters are those that ``found`` holds by model, else what a search has left under ``run.out``.

    Raises:
        ConfigError: a model is named twice, or starts from weights that were trained on these faces.
        DataError: fewer groups than folds.
        ModelError: damaged weights to start from.
        ArchitectureError: an unknown model or option; nothing has been trained then.
    """
    from bench.training.precision import kernels

    run = config.run
    refuse_repeats(run.models)
    fold_of_row = assign_folds(faces, run.folds, run.seed)
    dataset = faces.facts
    protocol = ProtocolFacts(folds=run.folds, seed=run.seed, folds_digest=folds_digest(fold_of_row), quick=run.quick)
    protocol_name = protocol_digest(dataset, protocol)
    variants: dict[str, Variant] = {}
    for model in _networks(run.models, run.tuned):
        facts = _network_facts(config, model, faces.scheme, protocol_name, found or {})
        variants[model] = Variant(model, "network", facts)
        _refuse_seen(variants[model], dataset)
    for model in filter(is_ensemble, run.models):
        members = [[name, variants[name].digest] for name in members_of(model)]
        variants[model] = Variant(model, "ensemble", (VariantFacts(options={"members": members}),))
    variants |= {gate: Variant(gate, "gate", (gate_variant(faces.scheme),)) for gate in GATES}

    here = kernels(next(iter(variants.values())).facts.device)

    def cell(variant: Variant, fold: int, seed: int) -> Cell:
        key = cell_key(variant.digest, protocol_name, fold, seed, here)
        kept = run.keep_weights and variant.kind == "network"
        task = FoldTask(
            source=source,
            fingerprint=faces.fingerprint,
            model=architecture_of(variant.model),
            variant=variant.in_fold(fold),
            train_rows=np.flatnonzero(fold_of_row != fold),
            scored_rows=np.flatnonzero(fold_of_row == fold),
            seed=cell_seed(run.seed, fold, seed),
            keep_weights=str(kept_weights_path(run.out, key).absolute()) if kept else None,
        )
        return Cell(key, variant.model, variant.kind, fold, seed, variant.digest, here, task)

    cells = tuple(
        cell(variant, fold, seed)
        for seed in range(run.seeds)
        for fold in range(run.folds_trained)
        for variant in variants.values()
        # Gates draw nothing at random, one seed says all; ensembles are averaged from records.
        if variant.kind == "network" or (variant.kind == "gate" and seed == 0)
    )
    return Plan(dataset, protocol, protocol_name, fold_of_row, variants, cells, run.seeds, faces.notes)


def _refuse_seen(variant: Variant, dataset: DatasetFacts) -> None:
    """Weights that bench itself trained on these faces know the rows that are to be scored."""
    start = variant.facts.options.get("weights")
    if isinstance(start, str) and seen_data(Path(start)) == dataset.fingerprint:
        raise ConfigError(
            f"models.{variant.model}.weights = {start}: trained on {dataset.name} itself, so they have seen the scored "
            "rows; start from weights of other data"
        )


def _networks(models: Sequence[str], tuned: bool) -> list[str]:
    """What has to be trained: the models as typed, members of ensembles, and tuned forms where asked for."""
    named = [name for model in models for name in (members_of(model) if is_ensemble(model) else [model])]
    listed = list(dict.fromkeys(named))
    for model in tuple(listed) if tuned else ():
        if not model.endswith(TUNED_SUFFIX) and model + TUNED_SUFFIX not in listed:
            listed.insert(listed.index(model) + 1, model + TUNED_SUFFIX)
    return listed


def _network_facts(
    config: Config, model: str, scheme: Scheme, protocol_name: str, found: Mapping[str, TunedParameters]
) -> tuple[VariantFacts, ...]:
    """How a network is trained: the same everywhere, but for the parameters of a nested search."""
    name = architecture_of(model)
    if name == model:
        facts = network_variant(config, model, scheme)
        # One set of values in all folds, whatever kind of search found it: it has seen rows that they score.
        seen = model in config.tuned and config.tuned[model].protocol == protocol_name
        return (facts.model_copy(update={"tuned": {"mode": "plain"}}) if seen else facts,)
    tuned = found.get(name) or load_tuned(config.run.out, name)
    if tuned.protocol != protocol_name:
        raise ConfigError(
            f"{model}: was tuned on other data, folds or seed; run `bench tune --models {name}` with those of this run"
        )
    origin = {
        "mode": tuned.mode,
        "adopted": tuned.adopted,
        "verdict": tuned.verdict,
        "trials": tuned.asked_trials,
        "budget_s": tuned.budget_s,
    }
    parameters = [tuned.for_fold(fold) for fold in range(config.run.folds_trained)]
    resolved: dict[str, VariantFacts] = {}  # folds that share their parameters share the facts
    for options, recipe in parameters:
        if digest([options, recipe]) not in resolved:
            facts = network_variant(config.with_found(name, options, recipe), name, scheme)
            resolved[digest([options, recipe])] = facts.model_copy(update={"tuned": origin})
    return tuple(resolved[digest([options, recipe])] for options, recipe in parameters)


def refuse_repeats(models: Sequence[str]) -> None:
    """Refuse a list of models in which one stands twice, or a gate, or none.

    Raises:
        ConfigError: saying which.
    """
    for model in models:
        if models.count(model) > 1:
            raise ConfigError(f"--models names '{model}' twice; name each model once")
        if model in GATES:
            raise ConfigError(f"--models names '{model}', a gate, which always runs; leave it out")
    if not models:
        raise ConfigError("--models names no model; `bench models` lists them")
