"""The face set: what every later room sees of a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bench.config.data import DataSettings
from bench.config.settings import Config
from bench.faces.grouping import AUTO, NONE
from bench.records.schema import DatasetFacts
from bench.scheme import SEED_SCHEME, Scheme

SYNTHETIC = Path("synthetic")
"""``--data synthetic``: faces that bench draws itself. A file of this name is named with its folder."""


@dataclass(frozen=True)
class FaceSource:
    """Where faces come from: small and picklable, so that a worker process can open them itself.

    Attributes:
        data: the file or folder as the user named it; ``synthetic`` draws faces; None means the default file, else
            drawn faces.
        groups: a file, a column name, ``auto`` (the groups that arrays or drawn faces bring along, else near-duplicate
            clusters) or ``none`` (each row alone).
        settings: the ``[data]`` table.
        stored: name of arrays that :func:`bench.faces.arrays.store_faces` put into the cache folder, in place of a
            file.
    """

    data: Path | None
    groups: str = AUTO
    settings: DataSettings = field(default_factory=DataSettings)
    stored: str | None = None

    @classmethod
    def of(cls, config: Config) -> Self:
        """What a configuration asks for."""
        return cls(config.run.data, config.run.groups, config.data, config.data.stored)

    def without_groups(self) -> Self:
        """The same faces for somebody who never groups them: nothing is clustered, no file of groups is read."""
        return replace(self, groups=NONE)


@dataclass(frozen=True)
class Row:
    """What a reader tells of one face.

    Attributes:
        picture: uint8 in the scheme's ``picture_shape``.
        points: float32 (K, 2) in pixels, NaN = not labelled.
        columns: whatever else the file says of it (a person, an ImageId), as text by name; the same names in each row.
    """

    picture: NDArray[np.uint8]
    points: NDArray[np.float32]
    columns: Mapping[str, str]


@dataclass(frozen=True)
class FaceSet:
    """Faces in memory (or memory-mapped), validated.

    Attributes:
        name: the file's name, never its path; ``synthetic`` for drawn faces.
        images: uint8 (N, side, side), or (N, side, side, 3) in colour, read-only.
        keypoints: float32 (N, K, 2) in pixels, x right and y down, NaN = not labelled, read-only.
        groups: int64 (N,), rows of one group never stand on both sides of a split.
        grouping: how the groups were made: ``file:NAME``, ``column:NAME``, ``auto`` or ``none``; ``people`` of drawn
            faces, ``array`` where they came with arrays.
        people_known: whether the groups are people (given by the user, or drawn) and not guessed clusters.
        fingerprint: hex digest over pictures and keypoints, and over the scheme where it is not the default.
        synthetic: whether bench drew the faces itself.
        scheme: what the points are, and the frame.
        notes: what its reader took for granted or left out, a sentence each.
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
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Number of faces N."""
        return len(self.images)

    @property
    def facts(self) -> DatasetFacts:
        """What records keep of the set."""
        told = {name: value for name, value in vars(self).items() if name in DatasetFacts.model_fields}
        return DatasetFacts(**{**told, "rows": self.rows, "groups": self.group_count})

    @property
    def group_count(self) -> int:
        """Number of distinct groups."""
        return len(np.unique(self.groups))
