"""Ensembles: the mean of what several networks predicted for rows that none of them was trained on."""

from collections.abc import Sequence

import numpy as np

from bench.comparing.observations import Observations
from bench.config.model_names import members_of

ENSEMBLE = "ensemble"


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
