"""What is measured after the training of a run: parameters, MACs and latency of the networks that have a score."""

from collections.abc import Callable
from dataclasses import asdict

from bench.config.latency import AFTER_TRAINING
from bench.config.model_names import architecture_of
from bench.errors import ModelError
from bench.measuring.environment import describe_environment, machine_digest
from bench.measuring.latency.measure import LatencyProgress, measure_latencies
from bench.measuring.latency.percentiles import is_headline
from bench.records.schema import CostRecord
from bench.records.store import RecordStore
from bench.running.plan import Plan
from bench.running.timed_models import timed_model
from bench.running.variants import Variant


def store_costs(store: RecordStore, plan: Plan, tell: Callable[[str], None]) -> None:
    """Count parameters and MACs of each network that has no cost record yet."""
    from architectures import ArchitectureError
    from bench.measuring.cost import count_cost

    counted = {cost.variant_digest for cost in store.costs()}
    for variant in _networks(plan):
        if variant.digest in counted or not _has_score(store, variant):
            continue
        facts = variant.facts
        flip = facts.network_recipe.test_time_flip
        try:
            cost = count_cost(architecture_of(variant.model), facts.options, plan.dataset.scheme, flip=flip)
        except (ArchitectureError, ModelError) as error:
            tell(f"parameters and MACs are not counted: {error}")
        else:
            store.write_cost(CostRecord(model=variant.model, variant_digest=variant.digest, **asdict(cost)))


def untimed(store: RecordStore, plan: Plan) -> list[Variant]:
    """The networks of a plan whose latency was not measured on this machine yet."""
    here = machine_digest(describe_environment(plan.device))
    measured = {
        record.variant_digest
        for record in store.latencies()
        if machine_digest(record.environment) == here and record.device == plan.device and is_headline(record)
    }
    return [variant for variant in _networks(plan) if variant.digest not in measured]


def store_latencies(store: RecordStore, plan: Plan, tell: Callable[[str], None]) -> None:
    """Measure each network of the plan that was not measured on this machine yet; nothing may train meanwhile."""
    missing = [
        timed_model(variant.model, variant.facts, variant.digest)
        for variant in untimed(store, plan)
        if _has_score(store, variant)
    ]
    if missing:
        tell(f"measuring latency of {', '.join(timed.model for timed in missing)}")

        def told(progress: LatencyProgress) -> None:
            if progress.failed_model is not None and progress.message is not None:
                tell(progress.message)

        measure_latencies(missing, AFTER_TRAINING.model_copy(update={"device": plan.device}), store, told)


def _networks(plan: Plan) -> list[Variant]:
    return [variant for variant in plan.variants.values() if variant.kind == "network"]


def _has_score(store: RecordStore, variant: Variant) -> bool:
    """A network without a sound cell has no row that its costs could stand in, and may not run at all."""
    cells = store.cells_of(variant.model)
    return any(cell.status == "ok" and cell.variant_digest == variant.digest for cell in cells)
