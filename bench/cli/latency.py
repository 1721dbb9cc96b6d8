"""``bench latency``: how long one prediction takes, measured so that architectures can be compared."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import options
from bench.cli.app import EXIT_FAILED_CELLS, app
from bench.errors import RecordError

if TYPE_CHECKING:
    from bench.cli.console import Screen
    from bench.config.latency import LatencySettings
    from bench.config.settings import Config
    from bench.records.store import RecordStore

COLUMNS = ("model", "runtime", "device", "scope", "threads", "batch", "p50 ms", "95 % interval", "p95 ms", "p99 ms",
           "images/s", "memory MB", "note")  # fmt: skip


@app.command("latency")
def latency(
    models: options.Models = None,
    batches: Annotated[str | None, typer.Option("--batches", metavar="1,8,64", help="Pictures per call. [1]")] = None,
    threads: Annotated[
        str | None, typer.Option("--threads", metavar="1,all", help="Intra-op threads; all = every core. [1]")
    ] = None,
    runtimes: Annotated[
        str | None,
        typer.Option(
            "--runtimes",
            "--runtime",
            metavar="torch,graph,onnx",
            help="graph: CUDA graphs. onnx needs the export extra. [torch]",
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="auto|cpu|cuda|mps", help="Where to measure. [auto]")
    ] = None,
    precision: options.UsedPrecision = None,
    rounds: Annotated[int | None, typer.Option("--rounds", metavar="N", help="Undisturbed rounds wanted. [12]")] = None,
    starts: Annotated[
        int | None, typer.Option("--starts", metavar="N", help="Fresh processes that share the rounds. [3]")
    ] = None,
    turn_s: Annotated[
        float | None, typer.Option("--turn", "--turn-seconds", metavar="S", help="Time per setting and round. [0.25]")
    ] = None,
    memory_format: Annotated[
        str | None, typer.Option("--memory-format", metavar="channels_last|contiguous", help="[channels_last]")
    ] = None,
    out: options.Out = options.DEFAULT_OUT,
    assignments: options.Assignments = None,
    config_file: options.ConfigFile = None,
    show: Annotated[bool, typer.Option("--show", help="Show what is stored; measure nothing.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Measure latency on this machine: interleaved rounds, a process per model, raw samples stored.

    Without --models: the networks recorded under --out. Keep the machine idle meanwhile.
    """
    from bench.cli.console import Screen
    from bench.config.latency import LatencySettings
    from bench.config.loading import checked_options, load_config
    from bench.config.settings import RunSettings
    from bench.records.store import RecordStore

    screen, store = Screen(as_json=as_json), RecordStore(out)
    if show:
        named = checked_options(RunSettings, {"models": models}).models if models is not None else None
        show_latencies(screen, store, named)
        return
    settings = checked_options(LatencySettings, options.chosen(locals(), LatencySettings))
    from bench.running.timed_models import networks_shown

    recorded = None if models else networks_shown(store)
    asked = {"models": models or recorded or None, "out": out, "device": device, "precision": precision}
    config = load_config(config_file, assignments or (), asked)
    # What is recorded may be stale, and then the others still count; what was typed is to be mended.
    measured, failed = _measure(screen, store, config, settings, stale_allowed=bool(recorded))
    if measured:
        show_latencies(screen, store, [name for name in config.run.models if name in measured])
        _say_where_they_show(screen, store)
    else:
        screen.result_json({"rows": []})
    if failed:
        raise typer.Exit(EXIT_FAILED_CELLS)


def _measure(
    screen: "Screen", store: "RecordStore", config: "Config", settings: "LatencySettings", *, stale_allowed: bool
) -> tuple[set[str], set[str]]:
    """Names of the models that were measured, and of those that failed: in one runtime of two, a model is in both."""
    from bench.measuring.latency.measure import LatencyProgress, measure_latencies
    from bench.running.timed_models import models_to_time
    from bench.training.precision import resolve_device

    failed: set[str] = set()

    def skip(model: str, reason: str) -> None:
        tell(LatencyProgress(f"latency of {model} is not measured: {reason}", failed_model=model))

    def tell(progress: LatencyProgress) -> None:
        if progress.failed_model is not None:
            failed.add(progress.failed_model)
        if progress.message is not None:
            (screen.note if progress.failed_model is None else screen.warn)(progress.message)

    settings = settings.model_copy(update={"device": resolve_device(config.run.device)})
    timed = models_to_time(config, store, skip if stale_allowed else None)
    records = measure_latencies(timed, settings, store, tell) if timed else []
    return {record.model for record in records}, failed


def _say_where_they_show(screen: "Screen", store: "RecordStore") -> None:
    from bench.measuring.environment import describe_environment, machine_digest

    asked = store.asked()
    if asked and machine_digest(asked[-1].environment) == machine_digest(describe_environment()):
        screen.note("`bench report` takes these figures into the leaderboard")
    elif asked:
        screen.note("the leaderboard is of another machine or torch and leaves these figures out; --show shows them")


def show_latencies(screen: "Screen", store: "RecordStore", models: "list[str] | tuple[str, ...] | None") -> None:
    """Print stored latencies of one machine as a table or as JSON.

    Raises:
        RecordError: there are none.
    """
    from bench.measuring.latency.percentiles import latency_rows

    rows, environment, elsewhere = latency_rows(store.latencies(), models)
    if environment is None:
        whose, what = (f"latency of {', '.join(models)}", "it") if models else ("latencies", "them")
        raise RecordError(f"--out {store.out}: holds no {whose}; `bench latency` measures {what}")
    cells = [_cells(row["model"], entry) for row in rows for entry in row["latencies"]]
    precisions = " and ".join(dict.fromkeys(entry["precision"] for row in rows for entry in row["latencies"]))
    title = f"latency, {precisions}, on {environment['processor']}, {environment['cores']} cores"
    screen.table(title, COLUMNS, cells, text_columns=4, last_is_text=True)
    if elsewhere:
        screen.note(f"{elsewhere} records of other machines are not shown: latencies compare within one machine only")
    for row in rows:
        if any(entry["unstable"] for entry in row["latencies"]):
            screen.warn(f"{row['model']}: unstable; measure again with `bench latency` on an idle machine")
    screen.result_json({"machine": dict(environment), "rows": rows})


def _cells(model: str, entry: dict[str, Any]) -> list[str]:
    interval = entry["p50_ci95"]
    return [
        model,
        entry["runtime"],
        entry["device"],
        "picture to pixels" if entry["end_to_end"] else "forward",
        str(entry["threads"]),
        str(entry["batch"]),
        _shown(entry["p50"]),
        "–" if interval is None else f"{interval[0]:.3g} to {interval[1]:.3g}",
        _shown(entry["p95"]),
        _shown(entry["p99"]),
        f"{entry['throughput_images_per_s']:,.0f}",
        "–" if entry["peak_memory_mb"] is None else f"{entry['peak_memory_mb']:,.0f}",
        "; ".join(
            [entry["precision"]] * (entry["precision"] != "float32")
            + [entry["unstable_reason"] or "unstable"] * entry["unstable"]
        ),
    ]


def _shown(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds:.3f}"
