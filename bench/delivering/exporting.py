"""A trained network as one file for other programs: ONNX, or a torch export; checked against the original."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray

from bench.config.data import DataSettings
from bench.errors import ConfigError, DataError, ModelError
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces
from bench.records.atomic import write_bytes
from bench.scheme import Scheme
from bench.training import portable

if TYPE_CHECKING:
    import torch

    from bench.delivering.trained import Trained
    from bench.training.predictor import Predictor

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]

TOLERANCE_PX = 0.01
"""Largest difference between an exported file and the network."""

CHECKED_FACES = 256

CHECKED_BATCHES = (1, 7)
"""Batch sizes tried beside the whole set, to prove that the batch is free."""


@dataclass(frozen=True)
class Exported:
    """An exported file and the largest difference seen, in pixels, over ``faces`` faces."""

    path: Path
    format: portable.Format
    faces: int
    largest_difference_px: float


def export(trained: "Trained", form: portable.Format, path: Path, frames: NDArray[np.uint8]) -> Exported:
    """Export to ``path``, check the file on ``frames``, stored pictures of its scheme, and only then put it in place.

    Raises:
        ConfigError: another form.
        ModelError: a library is missing, the network cannot be exported, or the file differs by 0.01 px or more.
    """
    if form not in get_args(portable.Format):
        raise ConfigError(f"form {form}: unknown; choose among {', '.join(get_args(portable.Format))}")
    predictor = trained.predictor()
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        write = portable.write_onnx if form == "onnx" else portable.write_pt2
        with portable.told_in_one_line(trained.facts.model, form):
            write(predictor, example(trained.facts.scheme), draft, _metadata(trained))
        if len(list(draft.parent.iterdir())) > 1:
            raise ModelError(f"model {trained.facts.model}: too large for one ONNX file; export it with --format pt2")
        runner = onnx_runner if form == "onnx" else pt2_runner
        with portable.quiet():
            difference = largest_difference_px(predictor, runner(draft), frames)
        if not difference < TOLERANCE_PX:
            raise ModelError(
                f"model {trained.facts.model}: the {form} file differs by {difference:.3g} px from the network, the "
                f"limit is {TOLERANCE_PX} px; it was not kept"
            )
        write_bytes(path, draft.read_bytes())
    return Exported(path, form, len(frames), difference)


def frames_to_check(trained: "Trained", data: Path | None) -> NDArray[np.uint8]:
    """Stored pictures to compare a file with its network on: the first 256 of ``data``, or of the default faces.

    Raises:
        DataError: pictures of another frame than the weights are for, or ``data`` cannot be used.
    """
    scheme = trained.facts.scheme
    faces = load_faces(FaceSource(data, "none", DataSettings.of(scheme)))
    if faces.scheme.picture_shape != scheme.picture_shape:
        raise DataError(
            f"{faces.name}: pictures of {faces.scheme.frame_words}, the weights are for {scheme.frame_words}; give "
            "--data FILE with such pictures"
        )
    return faces.images[:CHECKED_FACES]


def example(scheme: Scheme) -> "torch.Tensor":
    """What the exporters follow: two pictures."""
    import torch

    return torch.full((2, scheme.channels, scheme.side_px, scheme.side_px), 128.0)


def onnx_runner(path: Path) -> Run:
    """Run an ONNX file on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run([portable.OUTPUT_NAME], {portable.INPUT_NAME: pictures})[0], dtype=np.float32)

    return run


def pt2_runner(path: Path) -> Run:
    """Run an exported archive on the CPU."""
    import torch

    module = torch.export.load(path).module()

    def run(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            answer: torch.Tensor = module(torch.from_numpy(pictures))
        return answer.numpy()

    return run


def largest_difference_px(predictor: "Predictor", run: Run, frames: NDArray[np.uint8]) -> float:
    """Largest distance of a coordinate between the network and an exported file, over several batch sizes."""
    import torch

    from bench.training.inputs import channels_first

    pictures = channels_first(torch.from_numpy(frames)).float().numpy()
    with torch.inference_mode():
        expected = predictor(torch.from_numpy(pictures)).numpy()
    largest = 0.0
    for size in {*CHECKED_BATCHES, len(pictures)}:
        difference = np.abs(run(pictures[:size]) - expected[:size])
        largest = max(largest, float(difference.max())) if np.isfinite(difference).all() else float("inf")
    return largest


def _metadata(trained: "Trained") -> dict[str, str]:
    scheme = trained.facts.scheme
    shade = "grey" if scheme.channels == 1 else "red, green, blue"
    frame = f"{scheme.side_px}x{scheme.side_px}"
    return {
        "input": f"float32 (batch, {scheme.channels}, {scheme.side_px}, {scheme.side_px}), {shade} 0 to 255, rows "
        "from top to bottom",
        "output": f"float32 (batch, {scheme.keypoints}, 2), x then y in pixels of the {frame} frame, pixel centres "
        "at integers",
        "keypoints": ",".join(scheme.names),
        "facts": trained.facts.model_dump_json(),
    }
