"""What the commands do, from Python."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.config.loading import load_config
from bench.config.settings import Config
from bench.errors import BenchError
from bench.faces import loading
from bench.faces.face_set import FaceSet, FaceSource
from bench.records.store import RecordStore
from bench.records.tuned import all_tuned
from bench.reporting.face_lookup import find_pictures
from bench.reporting.material import Material, collect
from bench.reporting.rebuilding import further_sections, report_from_records
from bench.reporting.report_files import write_reports
from bench.reporting.search_chapter import SearchMaterial
from bench.running.events import Event, Stage
from bench.running.run import OnEvent, RunResult, execute_run

__all__ = ["leaderboard", "load_faces", "report_from_records", "run", "run_and_report"]


def load_faces(data: str | Path | None = None, groups: str = "auto") -> FaceSet:
    """Read a file of faces, as ``--data`` and ``--groups`` do.

    Raises:
        DataError: the file cannot be used.
    """
    return loading.load_faces(FaceSource(Path(data) if data is not None else None, groups))


def run(
    models: Sequence[str] | str | None = None,
    *,
    config_file: str | Path | None = None,
    assignments: Sequence[str] = (),
    on_event: OnEvent | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Train what is missing, write the reports and return the leaderboard.

    Args:
        models: names of architectures, also as one string ``"A,B"``; None means the default pair.
        config_file: a TOML configuration, as ``--config``.
        assignments: as ``--set``, e.g. ``["recipe.lr=0.001"]``.
        on_event: called with each event of :mod:`bench.running.events`.
        options: ``data``, ``groups``, ``folds``, ``seeds``, ``seed``, ``epochs``, ``out``, ``workers``, ``device``,
            ``quick``, ``latency`` ... as on the command line.

    Raises:
        BenchError: something that the caller can mend, in one line. Failed cells do not raise: the leaderboard's
            ``flags`` and ``leaderboard.json`` tell them.
    """
    names = [name.strip() for name in models.split(",")] if isinstance(models, str) else models
    given = {**options, **({"models": tuple(names)} if names is not None else {})}
    config = load_config(Path(config_file) if config_file is not None else None, assignments, given)
    run_and_report(config, on_event or _ignore)
    return leaderboard(config.run.out)


def leaderboard(out: str | Path = "results") -> pd.DataFrame:
    """The leaderboard under ``out`` as a table, one row per model, columns as in ``leaderboard.json``.

    Raises:
        RecordError: there are no results.
    """
    return pd.DataFrame(collect(RecordStore(Path(out))).document["rows"])


def run_and_report(config: Config, on_event: OnEvent) -> tuple[RunResult, Material]:
    """Run, then derive and write every report."""
    result = execute_run(config, on_event)
    on_event(Stage("writing the reports"))
    material = collect(result.store)
    faces = find_pictures(material.document["dataset"], FaceSource.of(config))
    search = search_material(config.run.out, config.tuning.storage)
    write_reports(material, faces=faces, sections=further_sections(search))
    return result, material


def search_material(out: Path, storage: str | None) -> SearchMaterial | None:
    """What was tuned under ``out``, for the report; None, without loading Optuna, where nothing was.

    ``storage`` is the database of the studies, if they are not in their journal.
    """
    found = all_tuned(out)
    if not found:
        return None
    from bench.tuning.history import read_studies

    try:
        return SearchMaterial(found, read_studies(out, storage))
    except BenchError as error:
        return SearchMaterial(found, (), str(error))


def _ignore(event: Event) -> None:
    del event
