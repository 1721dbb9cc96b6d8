"""``bench choose``: one network for a budget, out of what is recorded."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import options
from bench.cli.app import app
from bench.errors import ConfigError, RecordError

if TYPE_CHECKING:
    from bench.comparing.choosing import CostLimits, Option
    from bench.reporting.material import Material

SHOWN_RUNNERS_UP = 5


@app.command("choose")
def choose(
    max_ms: Annotated[
        float | None, typer.Option("--max-ms", metavar="MS", help="Median latency: one picture, one thread.")
    ] = None,
    max_params: Annotated[
        str | None, typer.Option("--max-params", metavar="N", help="Parameters, such as 500k or 2M.")
    ] = None,
    max_mb: Annotated[float | None, typer.Option("--max-mb", metavar="MB", help="Weights on disk.")] = None,
    out: options.Out = options.DEFAULT_OUT,
    as_json: options.AsJson = False,
) -> None:
    """Name one network within the limits, how probably it is the best of those, and the runners-up."""
    from bench.cli.console import Screen
    from bench.comparing.choosing import CostLimits, options_by_error, split_by_limits
    from bench.records.store import RecordStore
    from bench.reporting.markdown import warnings_of
    from bench.reporting.material import collect

    _check_positive("--max-ms", max_ms)
    _check_positive("--max-mb", max_mb)
    limits = CostLimits(max_ms, options.parse_count("--max-params", max_params), max_mb)
    screen = Screen(as_json=as_json)
    material = collect(RecordStore(out))
    fitting, refusals = split_by_limits(_costs(material), limits)
    if not fitting:
        raise RecordError(_nothing_fits(material, refusals))
    found = options_by_error(material.observations, fitting)
    flags = _flags(material, found[0].model)
    for warning in (*warnings_of(material.document), *(f"{found[0].model}: {flag}" for flag in flags)):
        screen.warn(warning)
    _show(screen.say, found, material)
    for model, reason in refusals.items():
        screen.note(f"left out: {model}, {reason}")
    best, *others = [_as_json(option, material) for option in found]
    screen.result_json(
        {
            **best,
            "flags": flags,
            "runners_up": others,
            "left_out": refusals,
            "weak_evidence": material.ranking.weak,
        }
    )


def _check_positive(option: str, limit: float | None) -> None:
    if limit is not None and not limit > 0:  # so that NaN, above which nothing lies, is refused as well
        raise ConfigError(f"{option} {limit:g}: expected a number above zero")


def _flags(material: "Material", model: str) -> list[str]:
    """What to know before believing the choice: a gate beats it, its latency is unstable."""
    (flags,) = (row["flags"] for row in material.document["rows"] if row["model"] == model)
    return list(flags)


def _costs(material: "Material") -> dict[str, "CostLimits"]:
    """What each ranked candidate costs; gates are none."""
    from bench.comparing.choosing import CostLimits

    return {
        row["model"]: CostLimits((row["latency_ms"] or {}).get("p50"), row["parameters"], row["weights_mb"])
        for row in material.document["rows"]
        if row["kind"] != "gate" and row["rank"] is not None
    }


def _nothing_fits(material: "Material", refusals: dict[str, str]) -> str:
    if not refusals:
        return f"--out {material.out}: no complete network to choose from; start or finish a `bench run`"
    reasons = "; ".join(f"{model}: {reason}" for model, reason in list(refusals.items())[:5])
    return f"no network fits the limits ({reasons}); raise a limit, or measure what is missing with `bench latency`"


def _show(say: Any, found: "tuple[Option, ...]", material: "Material") -> None:
    best, *others = found
    certainty = f"{_chance(best)} among the {len(found)} that fit" if others else "the only network that fits"
    say(f"{best.model}: {best.rmse_px:.3f} px RMSE, {certainty}.")
    if others:
        shown = (f"{one.model} {one.rmse_px:.3f} px ({_chance(one)})" for one in others[:SHOWN_RUNNERS_UP])
        say(f"Runners-up: {'; '.join(shown)}")
    if material.ranking.weak:
        say("One training seed: the evidence is weak; `bench run --seeds 3` makes it firm.")


def _chance(option: "Option") -> str:
    if option.probability_best is None:
        return "probability of being the best not known"
    # Never 0.00 or 1.00: draws cannot be that sure.
    found = option.probability_best
    shown = "above 0.99" if found > 0.99 else "below 0.01" if found < 0.01 else f"{found:.2f}"
    return f"best with probability {shown}"


def _as_json(option: "Option", material: "Material") -> dict[str, Any]:
    return {
        "model": option.model,
        "rmse_px": option.rmse_px,
        "probability_best": option.probability_best,
        "tie_group": material.ranking.tie_group[option.model],
    }
