"""Whose latency `bench latency` measures: the networks that a results folder shows, or those that are named."""

from bench.config.settings import Config
from bench.errors import ConfigError
from bench.measuring.latency import LatencySubject
from bench.records.keys import code_digest, variant_digest
from bench.records.schema import AskedRecord, VariantFacts
from bench.records.store import RecordStore
from bench.running.plan import architecture_of, refuse_repeats
from bench.running.variants import TRAINER, network_variant, source_file


def subjects_to_measure(config: Config, store: RecordStore) -> list[LatencySubject]:
    """The models of ``config``, each as the variant that the leaderboard under ``--out`` shows, where it shows one.

    A recorded variant counts as long as neither the configuration nor the sources say otherwise; else the model is
    measured as it would be trained now.

    Raises:
        ArchitectureError: unknown model or option.
        ConfigError: a model is named twice, or a tuned one is not recorded.
    """
    refuse_repeats(config.run.models)
    asked = {record.model: record for record in store.asked() if record.kind == "network"}
    recorded = {cell.variant_digest: cell.variant for cell in store.cells()}
    return [_chosen(config, model, asked.get(model), recorded) for model in config.run.models]


def networks_shown(store: RecordStore) -> tuple[str, ...]:
    """Names of the networks that any run under ``--out`` asked for, in the order asked."""
    return tuple(dict.fromkeys(record.model for record in store.asked() if record.kind == "network"))


def _chosen(config: Config, model: str, asked: AskedRecord | None, recorded: dict[str, VariantFacts]) -> LatencySubject:
    shown = recorded.get(asked.variant_digest) if asked is not None else None
    if asked is not None and shown is not None and model not in config.models and _same_sources(model, shown):
        return _subject(model, shown, asked.variant_digest)
    if architecture_of(model) != model:
        raise ConfigError(f"model '{model}': not recorded as it stands now; `bench run --models {model}` records it")
    variant = network_variant(config, model)
    return _subject(model, variant, variant_digest(model, variant))


def _same_sources(model: str, shown: VariantFacts) -> bool:
    import architectures

    builder = architectures.get(architecture_of(model)).builder
    return shown.code_digest == code_digest([*TRAINER, source_file(builder)])


def _subject(model: str, variant: VariantFacts, name: str) -> LatencySubject:
    return LatencySubject(model, architecture_of(model), variant.options, name)
