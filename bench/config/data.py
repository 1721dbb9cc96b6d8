"""What a file of faces does not say of itself: the ``[data]`` table."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from bench.config.recipe import Frozen
from bench.errors import ConfigError
from bench.scheme import LEAST_SIDE_PX, MOST_SIDE_PX, SEED_SCHEME, Scheme, scheme_of_names

Names = Annotated[tuple[str, ...], Field(min_length=1)]
Channels = Literal[1, 3]
Crop = Literal["box", "points", "frame"]
HEADER: Literal["header"] = "header"


class DataSettings(Frozen):
    """The ``[data]`` table: where the file alone leaves a question open, or another answer is wanted.

    Attributes:
        side_px: width and height of the pictures; None = found from how many numbers a picture has, 96 for photos.
        channels: 1 (grey) or 3 (RGB, a pixel's three numbers side by side); None = found from how many numbers, 1 for
            photos.
        points: which points, in the order wanted; ``header`` = all that the header names; None = these, where none or
            all of them are among the default fifteen. For a file of as many points without names: their names.
        mirror: pairs of points that change names in a mirrored picture (``[]`` = none does), or false = pictures are
            not to be mirrored; None = told by left and right in the names.
        normaliser: what an NME is divided by: the distance of two points, or of the means of two lists of points, or
            ``box``, the diagonal of the labelled points' box; None = eye centres or outer eye corners, else the box.
        images: folder of the photos that a COCO file names; None = the folder of the file.
        crop: what is cut from a photo: the file's ``box``, a box around the ``points``, or the whole ``frame``; None =
            the box where there is one, around ``.pts`` points, the frame of a DeepLabCut project.
        margin: what is added to a box on each side, as a share of its longer side; None = a quarter, of a frame none.
        first_pixel: number of the first pixel in the file's coordinates; None = 1 for ``.pts``, 0 for all others.
        stored: arrays given from Python, by the name that they have in the cache folder; None = there is a file.
    """

    side_px: int | None = Field(default=None, ge=LEAST_SIDE_PX, le=MOST_SIDE_PX)
    channels: Channels | None = None
    points: Names | Literal["header"] | None = None
    mirror: tuple[tuple[str, str], ...] | Literal[False] | None = None
    normaliser: tuple[str | Names, str | Names] | Literal["box"] | None = None
    images: Path | None = None
    crop: Crop | None = None
    margin: float | None = Field(default=None, ge=0, le=2)
    first_pixel: Literal[0, 1] | None = None
    stored: str | None = None

    @classmethod
    def of(cls, scheme: Scheme) -> "DataSettings":
        """The settings under which a file is read as ``scheme`` says."""
        if scheme == SEED_SCHEME:
            return cls()
        mirror: Any = False
        if scheme.mirror is not None:
            pairs = [(one, other) for one, other in enumerate(scheme.mirror) if one < other]
            mirror = tuple((scheme.names[one], scheme.names[other]) for one, other in pairs)
        return cls(
            side_px=scheme.side_px,
            channels=scheme.channels,
            points=scheme.names,
            mirror=mirror,
            normaliser=scheme.normaliser,
        )

    def scheme(self, names: Names, side_px: int, channels: Channels) -> Scheme:
        """The scheme of a file with these points and pictures.

        Raises:
            ConfigError: a setting names a point that is not among ``names``, or one twice.
        """
        _refuse_wrong_names("points", names, names)
        scheme = scheme_of_names(names, side_px, channels).model_dump()
        if self.mirror is not None:
            scheme["mirror"] = self._mirror(names) if self.mirror is not False else None
        if self.normaliser is not None:
            pair = () if self.normaliser == "box" else self.normaliser
            sides = tuple((side,) if isinstance(side, str) else side for side in pair)
            for side in sides:
                _refuse_wrong_names("normaliser", side, names)
            scheme["normaliser"] = sides or self.normaliser
        return Scheme(**scheme)

    def _mirror(self, names: Names) -> tuple[int, ...]:
        pairs = self.mirror or ()
        _refuse_wrong_names("mirror", tuple(name for pair in pairs for name in pair), names)
        partner = {**dict(pairs), **{other: one for one, other in pairs}}
        return tuple(names.index(partner.get(name, name)) for name in names)


def _refuse_wrong_names(key: str, used: Names, names: Names) -> None:
    unknown = next((name for name in used if name not in names), None)
    if unknown is not None:
        raise ConfigError(f"data.{key} names '{unknown}', which is no point of the file; it has {', '.join(names)}")
    twice = next((name for name, times in Counter(used).items() if times > 1), None)
    if twice is not None:
        raise ConfigError(f"data.{key} names '{twice}' twice; name each point once")
