"""A network as one file that runs without our code: ONNX, or an archive of ``torch.export``. No torch at the top."""

import importlib.util
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor, nn

Format = Literal["onnx", "pt2"]

INPUT_NAME = "pictures"
OUTPUT_NAME = "keypoints_px"


def write_onnx(module: "nn.Module", example: "Tensor", path: Path, metadata: Mapping[str, str]) -> None:
    """Write an ONNX file whose batch size is free; beyond 2 GB the weights go to a second file beside it.

    Args:
        module: from one tensor to one tensor, in eval mode on the CPU.
        example: an input of two pictures or more: with one, the exporters would take the batch size for a constant.
        path: where to.
        metadata: properties of the file.

    Raises:
        ModelError: a library of the ``export`` extra is missing.
        Exception: of many kinds, over a network that the exporter cannot follow; see :func:`told_in_one_line`.
    """
    require_onnx("an ONNX file")
    import onnx
    import torch

    program = torch.onnx.export(
        module,
        (example,),
        dynamo=True,
        input_names=[INPUT_NAME],
        output_names=[OUTPUT_NAME],
        dynamic_shapes=_free_batch(),
        verbose=False,
    )
    assert program is not None  # so it is with ``dynamo``
    program.model.metadata_props.update(metadata)
    program.save(path)
    onnx.checker.check_model(path)


def write_pt2(module: "nn.Module", example: "Tensor", path: Path, metadata: Mapping[str, str]) -> None:
    """Write an archive whose batch size is free; ``torch.export.load`` reads it without our code.

    Arguments and errors are those of :func:`write_onnx`.
    """
    import torch

    program = torch.export.export(module, (example,), dynamic_shapes=_free_batch())
    torch.export.save(program, path, extra_files=dict(metadata))


def _free_batch() -> tuple[dict[int, Any]]:
    """The first dimension of the one input may have any length."""
    import torch

    return ({0: torch.export.Dim("batch", min=1)},)


def require_onnx(purpose: str) -> None:
    """Refuse where the optional libraries are missing.

    Raises:
        ModelError: with the command that installs them.
    """
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        raise ModelError(
            f"{purpose} needs {', '.join(missing)}; install the extra: pip install 'keypoint-bench[export]'"
        )


@contextmanager
def told_in_one_line(model: str, form: Format) -> Iterator[None]:
    """Around an export: whatever the exporters raise over a network becomes one line, and their notes are not shown.

    Raises:
        ModelError: naming the model.
    """
    try:
        with quiet():
            yield
    except ModelError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"model {model}: cannot be exported to {form} ({reason})") from error


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
