"""A trained network as one file for other programs: ONNX, or a torch export; checked against the original."""

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from bench.errors import ModelError
from bench.faces.keypoints import FRAME_PX
from bench.records.atomic import write_bytes

if TYPE_CHECKING:
    import torch
    from torch import nn

    from bench.delivering.trained import Trained
    from bench.training.predictor import Predictor

Format = Literal["onnx", "pt2"]
Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]

INPUT_NAME = "pictures"
OUTPUT_NAME = "keypoints_px"

TOLERANCE_PX = 0.01
"""Largest difference between an exported file and the network."""

CHECKED_FACES = 256

CHECKED_BATCHES = (1, 7)
"""Batch sizes tried beside the whole set, to prove that the batch is free."""


@dataclass(frozen=True)
class Exported:
    """An exported file and the largest difference seen, in pixels, over ``faces`` faces."""

    path: Path
    format: Format
    faces: int
    largest_difference_px: float


def export(trained: "Trained", form: Format, path: Path, frames: NDArray[np.uint8]) -> Exported:
    """Export to ``path``, check the file on ``frames`` uint8 (N, 96, 96), and only then put it in place.

    Raises:
        ModelError: a library is missing, the network cannot be exported, or the file differs by 0.01 px or more.
    """
    predictor = trained.predictor()
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        try:
            with quiet():
                if form == "onnx":
                    export_onnx(predictor, draft, _metadata(trained))
                else:
                    export_pt2(predictor, draft, _metadata(trained))
        except ModelError:
            raise
        except Exception as error:  # the exporters raise errors of many kinds over a network they cannot follow
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"model {trained.facts.model}: cannot be exported to {form} ({reason})") from error
        runner = onnx_runner if form == "onnx" else pt2_runner
        with quiet():
            difference = largest_difference_px(predictor, runner(draft), frames)
        if not difference < TOLERANCE_PX:
            raise ModelError(
                f"model {trained.facts.model}: the {form} file differs by {difference:.3g} px from the network, the "
                f"limit is {TOLERANCE_PX} px; it was not kept"
            )
        write_bytes(path, draft.read_bytes())
    return Exported(path, form, len(frames), difference)


def export_onnx(predictor: "nn.Module", path: Path, metadata: dict[str, str]) -> None:
    """Write an ONNX file whose batch size is free.

    Raises:
        ModelError: a library of the ``export`` extra is missing.
    """
    import torch

    from bench.measuring.latency.onnx_target import require_onnx

    require_onnx()
    import onnx

    torch.onnx.export(
        predictor,
        (example(),),
        path,
        dynamo=True,
        input_names=[INPUT_NAME],
        output_names=[OUTPUT_NAME],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        external_data=False,
        verbose=False,
    )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def export_pt2(predictor: "nn.Module", path: Path, metadata: dict[str, str]) -> None:
    """Write a ``torch.export`` archive whose batch size is free; ``torch.export.load`` reads it without our code."""
    import torch

    program = torch.export.export(predictor, (example(),), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    torch.export.save(program, path, extra_files=metadata)


def example() -> "torch.Tensor":
    """A batch of two: with one, the exporters would take the batch size for a constant."""
    import torch

    return torch.full((2, 1, FRAME_PX, FRAME_PX), 128.0)


def onnx_runner(path: Path) -> Run:
    """Run an ONNX file on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run([OUTPUT_NAME], {INPUT_NAME: pictures})[0], dtype=np.float32)

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

    pictures = frames[:, None].astype(np.float32)
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


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the exporters' notes on their own internals from the user, and their prints from our stdout."""
    level = logging.getLogger("torch").level
    logging.getLogger("torch").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger("torch").setLevel(level)
