"""The registry of what is compared: a string key, a builder, and plain data about both.

Adding an architecture is one file with a decorated builder and one import line in ``architectures/__init__.py``::

    @register("plain_cnn", summary="four convolutions and a linear head", family="regression")
    def plain_cnn(*, width: int = 32) -> nn.Module:
        ...
"""

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from architectures.machinery.errors import ArchitectureError
from architectures.machinery.weight_files import fill

if TYPE_CHECKING:
    from torch import nn

FRAME_PX = 96
KEYPOINTS = 15
COORDINATES = 2 * KEYPOINTS

Plain = Mapping[str, object]

STARTING_OPTIONS = ("pretrained", "weights")
"""Options that only say where a training starts: they change neither the shape of a network nor its costs."""


@dataclass(frozen=True)
class Architecture:
    """One entry of the registry.

    Attributes:
        name: the key, exactly what users type.
        builder: keyword-only options -> module with float (B, 1, 96, 96) -> (B, 30) normalised coordinates.
        summary: one line for ``bench models``.
        family: ``regression``, ``heatmap``, ``classification``, ``timm`` or ``own``.
        source: the paper or project the network comes from, if any.
        recipe: what this network wants different from the default recipe, as plain data.
        space: the search space of its options for tuning, as plain data: option -> {type, low, high, ...}.
        options: options that are always passed to the builder (used by named variants).
    """

    name: str
    builder: Callable[..., "nn.Module"]
    summary: str
    family: str = "regression"
    source: str = ""
    recipe: Plain = field(default_factory=dict)
    space: Mapping[str, Plain] = field(default_factory=dict)
    options: Plain = field(default_factory=dict)

    def option_names(self) -> list[str]:
        """Names of the options that the builder takes."""
        return [
            name
            for name, parameter in inspect.signature(self.builder).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        ]

    def build(self, **options: object) -> "nn.Module":
        """Build the untrained module.

        ``weights`` is an option of every network: a file with all weights of this very network to start from. Builders
        that start from other files (timm's, with another head) read it themselves.

        Raises:
            ArchitectureError: an option is unknown or its value is refused by the builder; no such file, or the
                weights of another network.
        """
        known = self.option_names()
        start = None if "weights" in known else options.pop("weights", None)
        for option in options:
            if option not in known:
                raise ArchitectureError(
                    f"model {self.name}: unknown option '{option}'{_nearest(option, known)}; "
                    f"it takes {', '.join(known) or 'none'}"
                )
        try:
            module = self.builder(**{**self.options, **options})
            if start is not None:
                fill(module, Path(str(start)))
        except (ValueError, TypeError) as error:
            raise ArchitectureError(f"model {self.name}: {error}") from error
        return module


_REGISTRY: dict[str, Architecture] = {}


def add(architecture: Architecture) -> None:
    """Add an entry.

    Raises:
        ArchitectureError: the name is taken.
    """
    if architecture.name in _REGISTRY:
        raise ArchitectureError(f"two architectures are named '{architecture.name}'; rename one of them")
    _REGISTRY[architecture.name] = architecture


def without_start(options: Plain) -> dict[str, object]:
    """The options that shape a network: nothing is fetched or read for these."""
    return {name: value for name, value in options.items() if name not in STARTING_OPTIONS}


def register(
    name: str,
    *,
    summary: str,
    family: str = "regression",
    source: str = "",
    recipe: Plain | None = None,
    space: Mapping[str, Plain] | None = None,
) -> Callable[[Callable[..., "nn.Module"]], Callable[..., "nn.Module"]]:
    """Register the decorated builder under ``name``; see :class:`Architecture` for the meaning of each field."""

    def decorate(builder: Callable[..., "nn.Module"]) -> Callable[..., "nn.Module"]:
        add(Architecture(name, builder, summary, family, source, recipe or {}, space or {}))
        return builder

    return decorate


def registered() -> Mapping[str, Architecture]:
    """All registered entries by name, in order of registration (a read-only view)."""
    return MappingProxyType(_REGISTRY)


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f" (did you mean {' or '.join(close)}?)" if close else ""
