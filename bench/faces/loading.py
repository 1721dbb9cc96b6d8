"""The front door of the faces room: a source becomes a face set."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from bench.errors import DataError
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.keypoints import FRAME_PX, flat_names


def load_faces(source: FaceSource) -> FaceSet:
    """Read and validate the faces of ``source``.

    Raises:
        DataError: the file cannot be used; names file, row, column, value and what to do.
    """
    if source.data is None:
        raise DataError("no data: give --data FILE")
    table = pd.read_csv(source.data)
    keypoints = table[flat_names()].to_numpy(np.float32).reshape(len(table), -1, 2)
    images = np.stack([np.array(text.split(), dtype=np.uint8) for text in table["Image"]])
    images = images.reshape(-1, FRAME_PX, FRAME_PX)
    groups = np.arange(len(images))
    grouping = "none"
    if source.groups not in ("auto", "none"):
        path = Path(source.groups)
        groups = pd.factorize(pd.read_csv(path).iloc[:, 0])[0]
        grouping = f"file:{path.name}"
    fingerprint = hashlib.sha256(images.tobytes() + keypoints.tobytes()).hexdigest()[:16]
    return FaceSet(
        source.data.name,
        images,
        keypoints,
        groups.astype(np.int64),
        grouping,
        grouping != "none",
        fingerprint,
    )
