"""``bench fit``: weights to use, trained on all rows."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app


@app.command("fit")
def fit(
    model: options.Model,
    data: options.Data = None,
    groups: options.Groups = None,
    seed: options.Seed = None,
    epochs: options.Epochs = None,
    out: options.Out = options.DEFAULT_OUT,
    device: options.Device = None,
    threads: options.Threads = None,
    assignments: options.Assignments = None,
    config_file: options.ConfigFile = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where to. [OUT/fitted/]")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Train one architecture on all rows and store its weights (safetensors) for predict and export."""
    from dataclasses import asdict

    from bench.cli.console import Screen
    from bench.config.loading import load_config
    from bench.config.settings import RunSettings
    from bench.delivering.fitting import fit as fit_model
    from bench.delivering.fitting import fitted_path, fitted_variant
    from bench.reporting.number_text import format_seconds

    screen = Screen(as_json=as_json)
    typed = {**options.chosen(locals(), RunSettings, "epochs"), "models": (model,)}
    config = load_config(config_file, assignments or (), typed)
    path = to or fitted_path(out, model)
    with screen.progress(model, fitted_variant(config, model).network_recipe.epochs) as advance:
        fitted = fit_model(config, model, path, lambda _: advance())
    screen.say(
        f"{model}: {fitted.rows:,} rows, {fitted.epochs} epochs in {format_seconds(fitted.train_seconds)}; "
        f"RMSE on these same rows {fitted.training_rmse_px:.2f} px (not an estimate for new pictures)"
    )
    screen.say(f"written: {path}")
    screen.result_json({**asdict(fitted), "weights": str(path)})
