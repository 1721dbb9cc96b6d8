"""The registry of what is compared: a string key, a builder, and plain data about both.

Adding an architecture is one file with a decorated builder and one import line in ``architectures/__init__.py``::

    @register("plain_cnn", summary="four convolutions and a linear head", family="regression")
    def plain_cnn(*, width: int = 32, keypoints: int = 15, side_px: int = 96, channels: int = 1) -> nn.Module:
        ...
"""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from architectures.machinery.errors import ArchitectureError
from architectures.machinery.weight_files import fill

if TYPE_CHECKING:
    from torch import nn


class Dimensions(NamedTuple):
    """What the data tell a network; the defaults are Kaggle's faces.

    A builder that names one of these as a keyword gets it, one that takes ``**dimensions`` gets all three; any other is
    built for the default and refused for other data.

    Attributes:
        keypoints: points K of a picture; a network answers 2 K numbers.
        side_px: width and height of a picture.
        channels: 1 (grey) or 3 (RGB).
    """

    keypoints: int = 15
    side_px: int = 96
    channels: int = 1

    @property
    def frame_words(self) -> str:
        """Channels and frame for messages: ``1x96x96``."""
        return f"{self.channels}x{self.side_px}x{self.side_px}"


USUAL: Mapping[str, int] = MappingProxyType(Dimensions()._asdict())
"""The dimensions of data that say nothing else, by name."""

Plain = Mapping[str, object]

STARTING_OPTIONS = ("pretrained", "weights")
"""Options that only say where a training starts: they change neither the shape of a network nor its costs."""


@dataclass(frozen=True)
class Architecture:
    """One entry of the registry.

    Attributes:
        name: the key, exactly what users type.
        builder: keyword-only options, and what it names of :class:`Dimensions` -> module with float
            (B, channels, side, side) -> (B, 2 keypoints) normalised coordinates.
        summary: one line for ``bench models``.
        family: ``regression``, ``heatmap``, ``classification``, ``timm`` or ``own``.
        source: the paper or project the network comes from, if any.
        recipe: what this network wants different from the default recipe, as plain data.
        space: the search space of its options for tuning, as plain data: option -> {type, low, high, ...}.
        options: options that are always passed to the builder (used by named variants).
        files: of a user's own file: it, and what else of the user's own ran when it was loaded.
        accurate: what of the recipe changes where accuracy goes before time; empty where nothing is known to help.
    """

    name: str
    builder: Callable[..., "nn.Module"]
    summary: str
    family: str = "regression"
    source: str = ""
    recipe: Plain = field(default_factory=dict)
    space: Mapping[str, Plain] = field(default_factory=dict)
    options: Plain = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    accurate: Plain = field(default_factory=dict)

    def option_defaults(self) -> dict[str, Any]:
        """The options that the builder takes, with the values that hold where none is given."""
        return {
            name: parameter.default
            for name, parameter in inspect.signature(self.builder).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY and name not in USUAL
        }

    def option_names(self) -> list[str]:
        """Names of the options that the builder takes."""
        return list(self.option_defaults())

    def refuse_unknown_options(self, options: Plain) -> None:
        """Answer the first option that the builder does not take with the nearest ones; ``weights`` goes everywhere.

        Raises:
            ArchitectureError: an option is unknown, or one of :class:`Dimensions`, which are no options.
        """
        known = self.option_names()
        for option in options:
            if option in USUAL:
                raise ArchitectureError(f"model {self.name}: '{option}' is no option: it comes with the data")
            if option not in known and option != "weights":
                raise ArchitectureError(
                    f"model {self.name}: unknown option '{option}'{nearest(option, known)}; "
                    f"it takes {', '.join(known) or 'none'}"
                )

    def build(self, **options: Any) -> "nn.Module":
        """Build the untrained module: ``build(**scheme.dimensions, **options)``.

        ``keypoints``, ``side_px`` and ``channels`` (:class:`Dimensions`) are whole numbers and may be left out.
        ``weights`` is an option of every network: a file with all weights of this very network to start from. Builders
        that start from other files (timm's, with another head) read it themselves.

        Raises:
            ArchitectureError: an option is unknown or its value is refused by the builder; the builder cannot be told
                a dimension that is not the usual one; no such file, or the weights of another network.
        """
        dimensions = self._dimensions({name: options.pop(name, usual) for name, usual in USUAL.items()})
        self.refuse_unknown_options(options)
        start = None if "weights" in self.option_names() else options.pop("weights", None)
        try:
            module = self.builder(**{**self.options, **options, **dimensions})
            if start is not None:
                fill(module, Path(str(start)))
        except (ValueError, TypeError) as error:
            raise ArchitectureError(f"model {self.name}: {error}") from error
        return module

    def _dimensions(self, asked: Mapping[str, int]) -> dict[str, int]:
        """Those of ``asked`` that the builder names; see :meth:`build` for what is refused."""
        parameters = inspect.signature(self.builder).parameters
        takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        for name, usual in USUAL.items():
            default = parameters[name].default if name in parameters else inspect.Parameter.empty
            if default not in (usual, inspect.Parameter.empty):
                raise ArchitectureError(
                    f"model {self.name}: its '{name}' is {default!r} by default, but that keyword comes with the data; "
                    f"rename it, or write {name}={usual}"
                )
            if name not in parameters and not takes_all and asked[name] != usual:
                raise ArchitectureError(
                    f"model {self.name}: made for {name}={usual}, these data have {asked[name]}; "
                    f"give its builder a keyword '{name}'"
                )
        return {name: value for name, value in asked.items() if takes_all or name in parameters}


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
    accurate: Plain | None = None,
) -> Callable[[Callable[..., "nn.Module"]], Callable[..., "nn.Module"]]:
    """Register the decorated builder under ``name``; see :class:`Architecture` for the meaning of each field."""

    def decorate(builder: Callable[..., "nn.Module"]) -> Callable[..., "nn.Module"]:
        add(Architecture(name, builder, summary, family, source, recipe or {}, space or {}, accurate=accurate or {}))
        return builder

    return decorate


def registered() -> Mapping[str, Architecture]:
    """All registered entries by name, in order of registration (a read-only view)."""
    return MappingProxyType(_REGISTRY)


def nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """The known names nearest to a misspelt one, in brackets and each behind ``prefix``; empty where none is near."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f" (did you mean {' or '.join(prefix + one for one in close)}?)" if close else ""
