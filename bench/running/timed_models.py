"""Whose latency `bench latency` measures: the networks that a results folder shows, or those that are named."""

from collections.abc import Callable

from bench.config.model_names import architecture_of, is_ensemble
from bench.config.settings import Config
from bench.errors import BenchError, ConfigError
from bench.gates import GATES
from bench.measuring.latency.networks import TimedModel
from bench.records.keys import variant_digest
from bench.records.schema import AskedRecord, VariantFacts
from bench.records.store import RecordStore
from bench.running.plan import refuse_repeats
from bench.running.sources import is_of_earlier_code
from bench.running.variants import network_variant
from bench.scheme import SEED_SCHEME, Scheme

OnSkipped = Callable[[str, str], None]


def models_to_time(config: Config, store: RecordStore, on_skipped: OnSkipped | None = None) -> list[TimedModel]:
    """The models of ``config``, each as the variant that the leaderboard under ``--out`` shows, where it shows one.

    A recorded variant counts as long as neither the configuration nor the sources say otherwise; else the model is
    measured as it would be trained now. Pictures and points are those of the latest run under ``--out``, if any.

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
    records = store.asked()
    scheme = records[-1].dataset.scheme if records else SEED_SCHEME
    asked = {record.model: record for record in records if record.kind == "network"}
    # Where nothing tells which code made a record, it is not taken for today's.
    recorded = {cell.variant_digest: cell.variant for cell in store.cells() if cell.variant.code_digest}
    timed = []
    for model in config.run.models:
        try:
            timed.append(_chosen(config, model, scheme, asked.get(model), recorded))
        except (BenchError, architectures.ArchitectureError) as error:
            if on_skipped is None:
                raise
            on_skipped(model, str(error))
    return timed


def networks_shown(store: RecordStore) -> tuple[str, ...]:
    """Names of the networks that any run under ``--out`` asked for, in the order asked."""
    return tuple(dict.fromkeys(record.model for record in store.asked() if record.kind == "network"))


def timed_model(model: str, facts: VariantFacts, name: str) -> TimedModel:
    """A variant with the digest ``name`` as what is timed: both passes where its recipe predicts in two."""
    flip = facts.recipe is not None and facts.recipe.test_time_flip
    return TimedModel(model, architecture_of(model), facts.options, facts.scheme, flip, facts.predict_precision, name)


def _chosen(
    config: Config, model: str, scheme: Scheme, asked: AskedRecord | None, recorded: dict[str, VariantFacts]
) -> TimedModel:
    shown = recorded.get(asked.variant_digest) if asked is not None else None
    if asked is not None and shown is not None:
        as_asked = model not in config.models and config.run.precision in (None, shown.predict_precision)
        if as_asked and not is_of_earlier_code("network", shown):
            return timed_model(model, shown, asked.variant_digest)
    if architecture_of(model) != model:
        raise ConfigError(f"model '{model}': not recorded as it stands now; `bench run --models {model}` records it")
    variant = network_variant(config, model, scheme)
    return timed_model(model, variant, variant_digest(model, variant))
