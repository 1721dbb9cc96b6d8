"""Variants: one way of training one model, resolved so that nothing is left ``auto``."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from bench.config.loading import checked_table
from bench.config.model_names import architecture_of
from bench.config.recipe import Recipe
from bench.config.settings import Config, RunSettings
from bench.errors import ConfigError, ModelError
from bench.records.keys import code_digest, digest, variant_digest
from bench.records.schema import Kind, VariantFacts
from bench.running.sources import GATE, network_code, start_digest
from bench.scheme import SEED_SCHEME, Scheme

if TYPE_CHECKING:
    from torch import nn

    from architectures import Architecture

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Variant:
    """One way of training one model, resolved once: what a row of the board is.

    Attributes:
        model: as the user typed it.
        kind: network, gate or ensemble.
        by_fold: one entry that holds in all outer folds, or one for each of them (after a nested search).
    """

    model: str
    kind: Kind
    by_fold: tuple[VariantFacts, ...]

    @property
    def facts(self) -> VariantFacts:
        """How it is trained in the first outer fold."""
        return self.by_fold[0]

    def in_fold(self, fold: int) -> VariantFacts:
        """How it is trained in one outer fold."""
        return self.by_fold[fold % len(self.by_fold)]

    @cached_property
    def digest(self) -> str:
        """Names a variant by what it does in every fold; where all folds are alike, by that alone."""
        digests = [variant_digest(self.model, facts) for facts in self.by_fold]
        return digests[0] if len(set(digests)) == 1 else digest(digests)


CURATED = "curated"
"""Among the models of a run: the defaults, and timm's dozen that have short names."""


def with_curated(config: Config) -> Config:
    """The configuration in which the name ``curated`` stands for what it means."""
    if CURATED not in config.run.models:
        return config
    from architectures import registered

    dozen = [name for name, entry in registered().items() if entry.family == "timm"]
    meant = [*(name for name in config.run.models if name != CURATED), *RunSettings().models, *dozen]
    run = config.run.model_copy(update={"models": tuple(dict.fromkeys(meant))})
    return config.model_copy(update={"run": run})


def network_variant(config: Config, model: str, scheme: Scheme = SEED_SCHEME) -> VariantFacts:
    """Resolve options, recipe, device and precision of a network for faces of ``scheme``.

    Raises:
        ArchitectureError: unknown model, unknown option, or a value that the builder refuses.
        ConfigError: settings of a model that does not exist; the network's own recipe has an unknown key or a value
            out of range; or the recipe asks for what the scheme cannot give.
        ModelError: a user's own network cannot be built.
    """
    import architectures
    from bench.training.precision import resolve_device, resolve_float32_layers, resolve_precision

    _refuse_unknown_tables(config)
    entry = architectures.get(model)
    options = {**entry.options, **config.options_for(model)}
    checked_table(Recipe, entry.recipe, "recipe", f"model {model}")
    accurate = entry.accurate if config.run.preset == "accurate" else {}
    if config.run.preset == "accurate" and not accurate:
        logger.warning("model %s: has no accurate recipe of its own; it is trained by its default", model)
    recipe = config.recipe_for(model, {**entry.recipe, **accurate}).for_scheme(scheme)
    refuse_bad_build(entry, options, scheme)
    _refuse_to_grow(entry, options, recipe, scheme)
    device = resolve_device(config.run.device)
    precision = resolve_precision(recipe.precision, device)
    layers = resolve_float32_layers(recipe.float32_layers, precision, device)
    return VariantFacts(
        options=options,
        recipe=recipe.model_copy(update={"float32_layers": layers}),
        device=device,
        precision=precision,
        predict_precision=config.run.precision or "float32",
        threads=config.run.threads,
        **network_code(entry)._asdict(),
        scheme=scheme,
        versions={name: version(name) for name in ("torch", "timm", "numpy")} | start_digest(options),
        pretrained=bool(options.get("pretrained") or options.get("weights")),
    )


def _refuse_unknown_tables(config: Config) -> None:
    """A file may hold settings of models that this run leaves out, but a misspelt name would hold them for nobody.

    So would ``NAME@tuned``: what is set for NAME holds there too, under what was found.
    """
    import architectures
    from architectures.machinery.names import is_file_reference

    for name in config.models:
        if (name not in config.run.models or name != architecture_of(name)) and not is_file_reference(name):
            try:
                architectures.get(name)
            except architectures.ArchitectureError as error:
                raise ConfigError(f"settings of models.{name}: {error}") from error


def gate_variant(scheme: Scheme = SEED_SCHEME) -> VariantFacts:
    """The facts that decide a gate's numbers."""
    return VariantFacts(
        code_digest=code_digest(GATE),
        scheme=scheme,
        versions={name: version(name) for name in ("scikit-learn", "numpy")},
    )


def refuse_bad_build(entry: "Architecture", options: dict[str, Any], scheme: Scheme = SEED_SCHEME) -> None:
    """Build once, so that a bad option or a broken network is told before anything trains.

    Raises:
        ArchitectureError: unknown option, a value that the builder refuses, or a builder that cannot be told the
            scheme.
        ModelError: a user's own network cannot be built, or cannot take frames that are not the usual ones.
    """
    from architectures import ArchitectureError
    from bench.measuring.cost import lay_out, refuse_misfit

    try:
        lay_out(entry, options, scheme)
        if scheme.dimensions != SEED_SCHEME.dimensions:  # only there may a builder be right and what it builds wrong
            refuse_misfit(entry, options, scheme)
    except (ArchitectureError, ModelError):
        raise
    except (Exception, SystemExit) as error:  # whatever a user's own builder raises
        raise ModelError(
            f"model {entry.name}: cannot be built ({type(error).__name__}: {error}); `bench check` shows where"
        ) from error


def _refuse_to_grow(entry: "Architecture", options: dict[str, Any], recipe: Recipe, scheme: Scheme) -> None:
    """
    Raises:
        ConfigError: the recipe shows small pictures first, and the network takes none but those it was built for.
    """
    from bench.measuring.cost import refuse_misfit

    for side_px in sorted({recipe.side_px(epoch, scheme) for epoch in range(recipe.epochs)} - {scheme.side_px}):
        try:
            refuse_misfit(entry, options, scheme, side_px)
        except ModelError as error:
            raise ConfigError(
                f"model {entry.name}: recipe.growing_fraction is {recipe.growing_fraction:g}, but built for "
                f"{scheme.side_px} px it takes no pictures of {side_px} px; set it to 0"
            ) from error


def model_name(model: "str | Callable[..., nn.Module]") -> str:
    """The name of a model: of a class or function of the caller's own, the one under which it is known from now on.

    Raises:
        ArchitectureError: it cannot be a model.
    """
    from architectures import adopt

    return model if isinstance(model, str) else adopt(model)
