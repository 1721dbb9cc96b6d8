"""Ensembles: the mean of what several networks predicted for rows that none of them was trained on."""

from collections.abc import Sequence

import numpy as np

from bench.comparing.observations import Observations
from bench.errors import ConfigError

PREFIX = "ensemble:"
ENSEMBLE = "ensemble"


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


def with_ensembles(observations: Observations, names: Sequence[str]) -> Observations:
    """Add ensembles to the observations; nothing is trained.

    The mean is taken over coordinates, seed by seed: repeat s of the ensemble is the mean of its members' repeats s.
    A row that a member has not predicted stays NaN, so that an ensemble of incomplete members is incomplete. An
    ensemble whose members are not all there is left out.

    Raises:
        ConfigError: a name is malformed.
    """
    predictions, kinds = dict(observations.predictions), dict(observations.kinds)
    for name in names:
        members = members_of(name)
        if all(member in observations.predictions for member in members):
            seeds = min(len(observations.predictions[member]) for member in members)
            stacked = np.stack([observations.predictions[member][:seeds] for member in members])
            predictions[name] = stacked.mean(axis=0, dtype=np.float64).astype(np.float32)
            kinds[name] = ENSEMBLE
    return Observations(observations.truth, observations.groups, observations.fold_of_row, predictions, kinds)
