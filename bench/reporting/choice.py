"""The answer of ``bench choose``: one network for a budget, and what to know before believing it."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.comparing.choosing import CostLimits, Option, options_by_error, split_by_limits
from bench.errors import ConfigError, RecordError
from bench.reporting.material import Material

SHOWN_RUNNERS_UP = 5


@dataclass(frozen=True)
class Choice:
    """One network within the limits.

    Attributes:
        options: the networks that fit, lowest error first; the first is the choice.
        told_apart: by model, whether the run tells it from the choice, as letters and ``bench compare`` do.
        flags: of the choice, as on the board: a gate beats it, its latency is unstable.
        left_out: why each other network does not fit.
        weak: one training seed only.
    """

    options: tuple[Option, ...]
    told_apart: Mapping[str, bool]
    flags: tuple[str, ...]
    left_out: Mapping[str, str]
    weak: bool

    @property
    def model(self) -> str:
        """The network to take."""
        return self.options[0].model

    @property
    def text(self) -> str:
        """The choice, its certainty and the runners-up, one sentence or two a line."""
        best, *others = self.options
        certainty = (
            f"{_chance(best)} among the {len(self.options)} that fit" if others else "the only network that fits"
        )
        lines = [f"{best.model}: {best.rmse_px:.3f} px RMSE, {certainty}."]
        if others:
            lines[0] += (
                f" This run {'tells' if self.told_apart[others[0].model] else 'does not tell'} it from the next."
            )
            shown = (
                f"{one.model} {one.rmse_px:.3f} px ({_chance(one)}, "
                f"{'told apart' if self.told_apart[one.model] else 'not told apart'})"
                for one in others[:SHOWN_RUNNERS_UP]
            )
            lines.append(f"Runners-up: {'; '.join(shown)}")
        if self.weak:
            lines.append("One training seed: the evidence is weak; `bench run --seeds 3` makes it firm.")
        return "\n".join(lines)


def choose(material: Material, limits: CostLimits) -> Choice:
    """Take the ranked network of lowest error within the limits; gates are never candidates.

    Raises:
        ConfigError: a limit that is not above zero.
        RecordError: nothing fits, or nothing is complete; says why.
    """
    for name, limit in (("ms", limits.latency_ms), ("params", limits.parameters), ("mb", limits.weights_mb)):
        if limit is not None and not limit > 0:  # so that NaN, above which nothing lies, is refused as well
            raise ConfigError(f"--max-{name} {limit:g}: expected a number above zero")
    rows = {row.model: row for row in material.facts.candidates}
    costs = {model: CostLimits(row.p50_ms, row.parameters, row.weights_mb) for model, row in rows.items()}
    fitting, refusals = split_by_limits(costs, limits)
    if not costs:
        raise RecordError(f"--out {material.out}: no complete network to choose from; start or finish a `bench run`")
    if not fitting:
        reasons = "; ".join(f"{model}: {reason}" for model, reason in list(refusals.items())[:5])
        raise RecordError(
            f"no network fits the limits ({reasons}); raise a limit, or measure what is missing with `bench latency`"
        )
    options = options_by_error(material.observations, fitting)
    best, others = options[0].model, [option.model for option in options[1:]]
    told_apart = {model: material.ranking.pair(best, model).apart for model in others}
    return Choice(options, told_apart, rows[best].flags, refusals, material.ranking.weak)


def _chance(option: Option) -> str:
    if option.probability_best is None:
        return "probability of being the best not known"
    # Never 0.00 or 1.00: draws cannot be that sure.
    found = option.probability_best
    shown = "above 0.99" if found > 0.99 else "below 0.01" if found < 0.01 else f"{found:.2f}"
    return f"best with probability {shown}"
