"""The face set: what every later room sees of a file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.scheme import SEED_SCHEME, Scheme


@dataclass(frozen=True)
class FaceSource:
    """Where faces come from: small and picklable, so that a worker process can open them itself.

    Attributes:
        data: the file as the user named it; None means synthetic faces.
        groups: a file, a column name, ``auto`` (near-duplicate clusters) or ``none`` (each row alone).
    """

    data: Path | None
    groups: str = "auto"


@dataclass(frozen=True)
class FaceSet:
    """Faces in memory (or memory-mapped), validated.

    Attributes:
        name: the file's name, never its path; ``synthetic`` for drawn faces.
        images: uint8 (N, side, side), or (N, side, side, 3) in colour, read-only.
        keypoints: float32 (N, K, 2) in pixels, x right and y down, NaN = not labelled, read-only.
        groups: int64 (N,), rows of one group never stand on both sides of a split.
        grouping: how the groups were made: ``file:NAME``, ``column:NAME``, ``auto`` or ``none``.
        people_known: whether the groups are people (given by the user, or drawn) and not guessed clusters.
        fingerprint: hex digest over pictures and keypoints.
        synthetic: whether bench drew the faces itself.
        scheme: what the points are, and the frame.
    """

    name: str
    images: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    groups: NDArray[np.int64]
    grouping: str
    people_known: bool
    fingerprint: str
    synthetic: bool = False
    scheme: Scheme = SEED_SCHEME

    @property
    def rows(self) -> int:
        """Number of faces N."""
        return len(self.images)

    @property
    def group_count(self) -> int:
        """Number of distinct groups."""
        return len(np.unique(self.groups))
