"""The grammar of bench's own model names: ``ensemble:A+B`` and ``X@tuned``.

What an architecture's own name may be (``timm:X``, ``FILE.py:NAME``) is its registry's business.
"""

from bench.errors import ConfigError

PREFIX = "ensemble:"
TUNED_SUFFIX = "@tuned"
"""Marks a model that runs with the parameters `bench tune` found."""


def architecture_of(model: str) -> str:
    """The registry's name of a model as typed: without the mark of tuned parameters."""
    return model.removesuffix(TUNED_SUFFIX)


def is_ensemble(name: str) -> bool:
    """Whether a model name has the form ``ensemble:A+B``."""
    return name.startswith(PREFIX)


def members_of(name: str) -> tuple[str, ...]:
    """``ensemble:a+b`` -> ``("a", "b")``.

    Raises:
        ConfigError: fewer than two members, or one named twice.
    """
    members = tuple(member.strip() for member in name.removeprefix(PREFIX).split("+"))
    if len(members) < 2 or not all(members):
        raise ConfigError(
            f"model '{name}': an ensemble names two models or more, as in ensemble:resnet_custom+heatmap_net"
        )
    for member in members:
        if members.count(member) > 1:
            raise ConfigError(f"model '{name}': '{member}' is named twice")
        if is_ensemble(member):
            raise ConfigError(f"model '{name}': an ensemble cannot be a member; name its members")
    return members


def refuse_ensemble(name: str) -> None:
    """An ensemble is averaged from records; there is nothing to fit, check, predict with or export.

    Raises:
        ConfigError: the name is that of an ensemble.
    """
    if is_ensemble(name):
        raise ConfigError(
            f"model '{name}': an ensemble has no weights of its own; name one of {', '.join(members_of(name))}"
        )
