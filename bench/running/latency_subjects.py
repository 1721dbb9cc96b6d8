"""Whose latency `bench latency` measures: the networks that a results folder shows, or those that are named."""

from collections.abc import Callable

from bench.config.model_names import architecture_of, is_ensemble
from bench.config.settings import Config
from bench.errors import BenchError, ConfigError
from bench.gates import GATES
from bench.measuring.latency.measure import LatencySubject
from bench.records.keys import variant_digest
from bench.records.schema import AskedRecord, VariantFacts
from bench.records.store import RecordStore
from bench.running.plan import refuse_repeats
from bench.running.sources import is_of_earlier_code
from bench.running.variants import network_variant

OnSkipped = Callable[[str, str], None]


def subjects_to_measure(
    config: Config, store: RecordStore, on_skipped: OnSkipped | None = None
) -> list[LatencySubject]:
    """The models of ``config``, each as the variant that the leaderboard under ``--out`` shows, where it shows one.

    A recorded variant counts as long as neither the configuration nor the sources say otherwise; else the model is
    measured as it would be trained now.

    Args:
        config: names the models and holds their settings.
        store: what is recorded.
        on_skipped: hears of each model that cannot be measured, and why; without it the first one raises.

    Raises:
        ArchitectureError: unknown model or option.
        ConfigError: a model is named twice or has no network of its own, or a tuned one is not recorded.
    """
    import architectures

    for model in config.run.models:
        if model in GATES or is_ensemble(model):
            what = "an ensemble; measure its members" if is_ensemble(model) else "a gate"
            raise ConfigError(f"--models names '{model}', which has no network of its own to time: it is {what}")
    refuse_repeats(config.run.models)
    asked = {record.model: record for record in store.asked() if record.kind == "network"}
    recorded = {cell.variant_digest: cell.variant for cell in store.cells()}
    subjects = []
    for model in config.run.models:
        try:
            subjects.append(_chosen(config, model, asked.get(model), recorded))
        except (BenchError, architectures.ArchitectureError) as error:
            if on_skipped is None:
                raise
            on_skipped(model, str(error))
    return subjects


def networks_shown(store: RecordStore) -> tuple[str, ...]:
    """Names of the networks that any run under ``--out`` asked for, in the order asked."""
    return tuple(dict.fromkeys(record.model for record in store.asked() if record.kind == "network"))


def _chosen(config: Config, model: str, asked: AskedRecord | None, recorded: dict[str, VariantFacts]) -> LatencySubject:
    shown = recorded.get(asked.variant_digest) if asked is not None else None
    if (
        asked is not None
        and shown is not None
        and model not in config.models
        and not is_of_earlier_code("network", shown)
    ):
        return _subject(model, shown, asked.variant_digest)
    if architecture_of(model) != model:
        raise ConfigError(f"model '{model}': not recorded as it stands now; `bench run --models {model}` records it")
    variant = network_variant(config, model)
    return _subject(model, variant, variant_digest(model, variant))


def _subject(model: str, variant: VariantFacts, name: str) -> LatencySubject:
    return LatencySubject(model, architecture_of(model), variant.options, name)
