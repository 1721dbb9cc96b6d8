"""``bench models``: what can be compared, with its size."""

from bench.cli import options
from bench.cli.app import app


@app.command("models")
def models(
    as_json: options.AsJson = False,
) -> None:
    """List the registered architectures with parameters and MACs at 1x96x96."""
    from bench.console import Screen
    from bench.measuring.catalogue import catalogue
    from bench.reporting.markdown import format_count

    screen = Screen(as_json=as_json)
    entries = catalogue()
    rows = [
        [one.name, one.family, format_count(one.parameters), format_count(one.macs), one.summary] for one in entries
    ]
    screen.table("", ["model", "family", "parameters", "MACs", "what it is"], rows, text_columns=2)
    screen.result_json({"models": [one.as_json() for one in entries]})
