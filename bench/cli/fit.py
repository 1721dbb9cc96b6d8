"""``bench fit``: weights to use, trained on all rows."""

from pathlib import Path
from typing import Annotated, Unpack

import typer

from bench.cli import options
from bench.cli.app import app


@app.command("fit")
@options.spread_options
def fit(
    model: options.Model,
    *,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where to. [OUT/fitted/]")] = None,
    as_json: options.AsJson = False,
    **typed: Unpack[options.TrainingOptions],
) -> None:
    """Train one architecture on all rows and store its weights (safetensors) for predict and export."""
    from dataclasses import asdict

    from bench.cli.console import Screen
    from bench.delivering.fitting import fit as fit_model
    from bench.delivering.fitting import fitted_path, fitted_variant
    from bench.keywords import configuration
    from bench.reporting.number_text import format_seconds

    screen = Screen(as_json=as_json)
    config = configuration([model], typed)
    path = to or fitted_path(config.run.out, model)
    variant = fitted_variant(config, model)
    with screen.progress(model, variant.network_recipe.epochs) as advance:
        fitted = fit_model(config, model, variant, path, lambda _: advance())
    screen.say(
        f"{model}: {fitted.rows:,} rows, {fitted.epochs} epochs in {format_seconds(fitted.train_seconds)}; "
        f"RMSE on these same rows {fitted.training_rmse_px:.2f} px (not an estimate for new pictures)"
    )
    screen.say(f"written: {path}")
    screen.result_json({**asdict(fitted), "weights": str(path)})
