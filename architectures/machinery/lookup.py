"""From what a user types to an architecture: a registered name, ``timm:NAME``, ``FILE.py:NAME`` or a package's own."""

import logging
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from architectures import timm_backbones
from architectures.machinery import adopted, own
from architectures.machinery.errors import ArchitectureError
from architectures.machinery.names import TIMM_PREFIX, is_file_reference
from architectures.machinery.registry import Architecture, nearest, registered

if TYPE_CHECKING:
    from torch import nn

ENTRY_POINTS = "bench.architectures"
"""Group under which an installed package names its architectures: ``my_net = "my_package.nets:MyNet"``."""

logger = logging.getLogger(__name__)


def get(name: str) -> Architecture:
    """The architecture that a name stands for.

    Only what the name points at is loaded: a file for ``FILE.py:NAME``, a package for one of its entry points.

    Raises:
        ArchitectureError: no such name (the message holds the nearest ones), two of that name, or a file or
            package that cannot be loaded.
    """
    if name.startswith(TIMM_PREFIX):
        return timm_backbones.architecture(name)
    if is_file_reference(name):
        return own.from_file(name)
    here, packaged = registered(), packaged_names()
    if name in packaged:
        return own.from_entry_point(name, packaged[name][0], _only_owner(name, packaged[name]))
    if name in here:
        return here[name]
    if (handed_over := adopted.find(name)) is not None:
        return handed_over
    raise ArchitectureError(f"unknown model '{name}'{nearest(name, [*here, *packaged])}; `bench models` lists all")


def build(name: str, **options: Any) -> "nn.Module":
    """The untrained module of that name, as :meth:`Architecture.build` makes it.

    Returns:
        float (B, channels, side, side) -> (B, 2 keypoints) coordinates in [-1, 1]; (B, 1, 96, 96) -> (B, 30) untold.

    Raises:
        ArchitectureError: unknown name or option, or a network that cannot be built for these dimensions.
    """
    return get(name).build(**options)


def available() -> dict[str, Architecture]:
    """Everything that has a short name: registered here or by an installed package, in that order.

    A package that cannot be used is logged and left out, so that it does not take the others along.

    Raises:
        ArchitectureError: two architectures of one name.
    """
    found = dict(registered())
    for name, points in packaged_names().items():
        owner = _only_owner(name, points)
        try:
            found[name] = own.from_entry_point(name, points[0], owner)
        except ArchitectureError as error:
            logger.warning("%s", error)
    return found


@lru_cache(maxsize=1)
def packaged_names() -> Mapping[str, tuple[EntryPoint, ...]]:
    """Names that installed packages declare, looked up once per process; nothing is imported for that."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=ENTRY_POINTS):
        # A development install can be seen twice on the path; only different targets are a conflict.
        if point.value not in {other.value for other in found.get(point.name, ())}:
            found[point.name] = (*found.get(point.name, ()), point)
    return found


def _only_owner(name: str, points: tuple[EntryPoint, ...]) -> str:
    owners = [point.dist.name if point.dist is not None else point.module for point in points]
    owners += ["bench itself"] if name in registered() else []
    if len(owners) > 1:
        raise ArchitectureError(f"two architectures are named '{name}': in {' and in '.join(owners)}; rename one")
    return owners[0]
