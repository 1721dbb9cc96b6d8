"""``bench check``: does a network keep the contract?"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import EXIT_FAILED_CELLS, app


@app.command("check")
def check(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="What `bench new` wrote, FILE.py:NAME, or any name of `bench models`."),
    ],
    as_json: options.AsJson = False,
) -> None:
    """Check a network: shape, finite, gradients, determinism, state, trains below the mean face, exports."""
    from bench.cli.console import Screen
    from bench.delivering.contract import Finding, check_contract
    from bench.delivering.skeleton import reference

    screen = Screen(as_json=as_json)

    def show(finding: Finding) -> None:
        state = "ok  " if finding.problem is None else "FAIL"
        screen.say(f"{state}  {finding.name}: {finding.demand} ({finding.seconds:.1f} s)")
        if finding.problem is not None:
            screen.say(f"      {finding.problem}")

    model = reference(model, Path())
    findings = check_contract(model, show)
    failed = [finding for finding in findings if finding.problem is not None]
    screen.say(f"{model}: {'keeps the contract' if not failed else f'{len(failed)} of {len(findings)} checks failed'}")
    screen.result_json({"model": model, "ok": not failed, "checks": [asdict(finding) for finding in findings]})
    if failed:
        raise typer.Exit(EXIT_FAILED_CELLS)
