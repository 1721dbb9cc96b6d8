"""Ensembles: the mean of what several networks predicted for rows that none of them was trained on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.comparing.observations import Observations
from bench.config.model_names import members_of


def with_ensembles(observations: Observations, names: Sequence[str]) -> Observations:
    """Add ensembles to the observations; nothing is trained.

    The mean is taken over coordinates, seed by seed: repeat s of the ensemble is the mean of its members' repeats s,
    for the seeds that all of them have. A row that a member has not predicted stays NaN, so that an ensemble of
    incomplete members is incomplete. An ensemble whose members are not all there, or share no seed, is left out.

    Raises:
        ConfigError: a name is malformed.
    """
    predictions, kinds, seeds = dict(observations.predictions), dict(observations.kinds), dict(observations.seeds)
    for name in names:
        members = [member for member in members_of(name) if member in observations.predictions]
        repeats = [observations.by_seed(member) for member in members]
        shared = sorted(set.intersection(*map(set, repeats))) if repeats else []
        if len(members) == len(members_of(name)) and shared:
            stacked = np.stack([[found[seed] for seed in shared] for found in repeats])
            predictions[name] = stacked.mean(axis=0, dtype=np.float64).astype(np.float32)
            kinds[name], seeds[name] = "ensemble", tuple(shared)
    return replace(observations, predictions=predictions, kinds=kinds, seeds=seeds)
