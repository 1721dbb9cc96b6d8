"""What the commands do, from Python; ``import bench`` offers it all, and loads nothing heavy until it is used."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np
from numpy.typing import NDArray

from bench.config.settings import Config
from bench.errors import BenchError
from bench.faces import loading
from bench.faces.face_set import FaceSet, FaceSource
from bench.keywords import (
    Data,
    Model,
    RunKeywords,
    TrainingKeywords,
    TuneKeywords,
    WeightsKeywords,
    as_faces,
    configuration,
    spelt,
)
from bench.records.files import slug
from bench.records.tuned import TunedParameters, all_tuned
from bench.reporting.board import Board, Comparison
from bench.reporting.material import Material
from bench.reporting.rebuilding import report_from_records
from bench.reporting.search_chapter import SearchMaterial
from bench.running.events import Stage
from bench.running.run import OnEvent, RunResult, execute_run
from bench.running.variants import model_name

if TYPE_CHECKING:
    import pandas as pd

    from bench.delivering.exporting import Exported
    from bench.delivering.fitting import Fitted
    from bench.delivering.trained import Trained
    from bench.reporting.choice import Choice


@spelt
def load_faces(data: Data | None = None, groups: str | Path = "auto", images: str | Path | None = None) -> FaceSet:
    """Read a file or folder of faces as ``--data``, ``--groups`` and ``--images`` do, or check arrays as strictly.

    Raises:
        DataError: the faces cannot be used.
    """
    return loading.load_faces(FaceSource.of(configuration(None, {"data": data, "groups": groups, "images": images})))


@spelt
def run(models: Sequence[Model] | str | None = None, **settings: Unpack[RunKeywords]) -> Board:
    """Train what is missing, write the reports under ``out`` and return the board.

    Args:
        models: names as ``bench models`` lists them, or classes and functions of your own (in a notebook too: they are
            handed to the worker processes, and their source is in the key of what is recorded); one string may hold
            several, ``"A,B"``. None = the default pair.
        settings: see :class:`RunKeywords`.

    Raises:
        BenchError: something that the caller can mend, in one line. Failed cells do not raise: ``.failed`` lists them.
        ArchitectureError: a model that cannot be used.
    """
    from bench.progress import RunBars, watched

    console, drawn = watched(settings.get("progress"))
    with closing(RunBars(console, drawn=drawn)) as bars:
        return Board(run_and_report(configuration(models, settings), _listener(bars, settings))[1])


@spelt
def tune(models: Sequence[Model] | str | None = None, **settings: Unpack[TuneKeywords]) -> list[TunedParameters]:
    """Search parameters inside the training part and compare with the defaults on unseen rows, as ``bench tune`` does.

    ``bench.run(..., tuned=True)`` with the same ``out`` ranks what was found.

    Raises:
        BenchError, ArchitectureError: something that the caller can mend, in one line.
    """
    from bench.tuning.announcements import TrialEnded
    from bench.tuning.tune import tune as search

    config = configuration(models, settings)
    with _steps("trials", config.tuning.trials, settings) as advance:
        return search(config, _listener(lambda event: advance() if isinstance(event, TrialEnded) else None, settings))


@spelt
def fit(model: Model, *, to: str | Path | None = None, **settings: Unpack[TrainingKeywords]) -> "Fitted":
    """Train one model on all rows and store its weights (safetensors) at ``to``, for predict and export.

    Raises:
        BenchError, ArchitectureError: something that the caller can mend; nothing is written then.
    """
    from bench.delivering import fitting

    config = configuration([model], settings)
    (name,) = config.run.models
    path = Path(to) if to is not None else fitting.fitted_path(config.run.out, name)
    variant = fitting.fitted_variant(config, name)
    with _steps(name, variant.network_recipe.epochs, settings) as advance:
        return fitting.fit(config, name, variant, path, _listener(lambda _: advance(), settings))


@spelt
def predict(
    model: Model,
    pictures: str | Path | Sequence[str | Path] | NDArray[np.uint8],
    *,
    crop: tuple[int, int, int, int] | None = None,
    precision: Literal["float32", "bfloat16"] = "float32",
    **where: Unpack[WeightsKeywords],
) -> "pd.DataFrame":
    """Find the points in pictures, with the weights of :func:`fit`, of a file, or of one fold of a run.

    Args:
        model: as it was fitted, or a weights file that says itself what it belongs to.
        pictures: picture files, tables of faces, or frames as they were trained on, uint8 (N, side, side) or
            (N, side, side, 3).
        crop: the face in a picture: x, y, width, height in pixels; None = the centre square.
        precision: what the network computes in.
        where: whose weights; see :class:`WeightsKeywords`.

    Returns:
        One line per face, columns as in ``predictions.csv``: coordinates in pixels of its picture. In place of ``row``
        stands ``row_index``, which counts from 0; it is missing for the one face of a picture file.

    Raises:
        BenchError, ArchitectureError: something that the caller can mend, in one line.
    """
    import pandas as pd

    from bench.delivering import predicting
    from bench.delivering.photos import Crop

    trained = _trained(model, where)
    scheme = trained.facts.scheme
    if isinstance(pictures, np.ndarray):
        faces = predicting.faces_of_frames(pictures, scheme)
    else:
        files = [pictures] if isinstance(pictures, str | Path) else pictures
        faces = predicting.read_faces([Path(file) for file in files], scheme, Crop(*crop) if crop is not None else None)
    header, lines = predicting.as_table(predicting.predict_faces(trained, faces, precision), scheme)
    found = pd.DataFrame(lines, columns=header)
    found["row"] = found["row"].astype("Int64") - 1
    return found.rename(columns={"row": "row_index"})


@spelt
def export(
    model: Model,
    form: Literal["onnx", "pt2"],
    *,
    data: Data | None = None,
    to: str | Path | None = None,
    **where: Unpack[WeightsKeywords],
) -> "Exported":
    """Write a fitted network as one file, checked on faces of ``data`` to give the same points.

    Raises:
        BenchError, ArchitectureError: something that the caller can mend; no file is left then.
    """
    from bench.delivering import exporting

    trained = _trained(model, where)
    if data is None or isinstance(data, str | Path):
        frames = exporting.frames_to_check(trained, Path(data) if data is not None else None)
    else:
        frames = as_faces(data).images[: exporting.CHECKED_FACES]
    exported = Path(where.get("out") or "results") / "exported"
    path = Path(to) if to is not None else exported / f"{slug(trained.facts.model)}.{form}"
    return exporting.export(trained, form, path, frames)


@spelt
def leaderboard(out: str | Path = "results") -> Board:
    """The board of the records under ``out``; nothing is trained.

    Raises:
        RecordError: there are no results.
    """
    return Board.of(Path(out))


@spelt
def compare(first: Model, second: Model, *, out: str | Path = "results") -> Comparison:
    """See :meth:`bench.reporting.board.Board.compare`."""
    return leaderboard(out).compare(model_name(first), model_name(second))


@spelt
def choose(
    *,
    max_ms: float | None = None,
    max_params: float | None = None,
    max_mb: float | None = None,
    out: str | Path = "results",
) -> "Choice":
    """One network within limits: median latency of a picture, parameters, MB of weights; ``.text`` says how surely.

    Raises:
        RecordError: nothing fits.
    """
    from bench.comparing.choosing import CostLimits

    return leaderboard(out).choose(CostLimits(max_ms, max_params, max_mb))


def run_and_report(config: Config, on_event: OnEvent) -> tuple[RunResult, Material]:
    """Run, then derive and write every report."""
    result = execute_run(config, on_event)
    on_event(Stage("writing the reports"))
    search = search_material(config.run.out, config.tuning.storage)
    material, _ = report_from_records(config.run.out, data=result.faces, search=search)
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


def _trained(model: Model, where: WeightsKeywords) -> "Trained":
    from bench.delivering.trained import WeightsChoice, load_trained

    file, out = where.get("weights"), Path(where.get("out") or "results")
    chosen = WeightsChoice(
        model_name(model), out, Path(file) if file else None, where.get("fold"), where.get("seed") or 0
    )
    return load_trained(chosen)


def _steps(name: str, total: int | None, settings: Mapping[str, Any]) -> AbstractContextManager[Callable[[], None]]:
    from bench.progress import steps, watched

    console, drawn = watched(settings.get("progress"))
    return steps(console, name, total, drawn=drawn)


def _listener(draw: Callable[[Any], None], settings: Mapping[str, Any]) -> Callable[[Any], None]:
    """Draws an event, then passes it on to the caller's own listener, if there is one."""
    heard = settings.get("on_event")

    def listen(event: Any) -> None:
        draw(event)
        if heard is not None:
            heard(event)

    return listen
