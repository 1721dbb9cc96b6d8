"""ONNX Runtime as a runtime to time: export in one process, measurement in another that never loads torch."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.faces.keypoints import FRAME_PX
from bench.measuring.latency.target import INPUTS, Call, Series, TargetPlan, build_module, random_pictures


class OnnxTarget:
    """ONNX Runtime on the CPU; the process that runs it has no torch."""

    def __init__(self, plan: TargetPlan) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = plan.threads
        options.inter_op_num_threads = 1
        assert plan.onnx_files is not None
        self.sessions = [
            onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]) for file in plan.onnx_files
        ]

    def prepare(self, series: Series) -> Call:
        """See :class:`Target`."""
        session = self.sessions[series.end_to_end]
        name = session.get_inputs()[0].name
        inputs: list[NDArray[Any]] = [each[:, None] for each in random_pictures(series.batch)]
        if not series.end_to_end:
            # Any values of the right type do: what a picture shows does not change how long the network takes.
            inputs = [((each - 128.0) / 64.0).astype(np.float32) for each in inputs]

        def call(number: int) -> object:
            return session.run(None, {name: inputs[number % INPUTS]})

        return call


def export_onnx_files(plan: TargetPlan, folder: str) -> tuple[str, str]:
    """Export the bare network and the end-to-end one (uint8 in, pixels out) into ``folder``; returns their paths.

    Raises:
        ModelError: a library of the ``export`` extra is missing, or the network cannot be exported.
    """
    import torch

    from bench.scheme import SEED_SCHEME
    from bench.training.portable import told_in_one_line, write_onnx
    from bench.training.predictor import Predictor

    predictor = Predictor(build_module(plan), SEED_SCHEME, flip=False).eval()
    Path(folder).mkdir(parents=True, exist_ok=True)
    forward, end_to_end = Path(folder) / "forward.onnx", Path(folder) / "end_to_end.onnx"
    pictures = torch.zeros(2, 1, FRAME_PX, FRAME_PX, dtype=torch.uint8)
    with told_in_one_line(str(plan.architecture), "onnx"):
        write_onnx(predictor.passes, pictures.float(), forward, {})
        write_onnx(predictor, pictures, end_to_end, {})
    return str(forward), str(end_to_end)
