"""Who wins at which keypoint, corrected for asking as often as there are keypoints."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import squareform

from bench.comparing.observations import Observations
from bench.comparing.pair_tests import SIGNIFICANCE, holm, p_values
from bench.comparing.row_losses import keypoint_losses
from bench.comparing.spread import spread


@dataclass(frozen=True)
class KeypointResult:
    """One keypoint.

    Attributes:
        keypoint: its name.
        rmse_px: of each model.
        best: the model of lowest error.
        winner: the same where it is better than all others here; None where several are not told apart.
        tied: models that are not worse than the best after Holm's correction, without it.
        p: by model, corrected two-sided p of its difference to the best.
    """

    keypoint: str
    rmse_px: Mapping[str, float]
    best: str
    winner: str | None
    tied: tuple[str, ...]
    p: Mapping[str, float]


def keypoint_results(observations: Observations) -> tuple[KeypointResult, ...]:
    """Compare all models at every keypoint that is labelled somewhere, as architectures (claim two).

    Holm's correction runs over all pairs at all keypoints together, since the best of each is picked by its error.
    """
    models = tuple(observations.predictions)
    if not models:
        return ()
    kept, found, p = [], [], []
    for name, losses in zip(observations.scheme.names, keypoint_losses(observations), strict=True):
        if losses.counts.size:
            kept.append(name)
            found.append(spread(losses))
            p.append(squareform(p_values(found[-1]), checks=False))
    adjusted = holm(np.concatenate(p)).reshape(len(kept), -1) if kept else np.empty((0, 0))
    results = []
    for name, one, corrected in zip(kept, found, adjusted, strict=True):
        matrix = squareform(corrected) + np.eye(len(models))
        best = int(np.argmin(one.rmse_px))
        tied = [place for place in range(len(models)) if place != best and matrix[best, place] > SIGNIFICANCE]
        results.append(
            KeypointResult(
                keypoint=name,
                rmse_px={model: float(error) for model, error in zip(models, one.rmse_px, strict=True)},
                best=models[best],
                winner=None if tied else models[best],
                tied=tuple(models[place] for place in sorted(tied, key=lambda place: float(one.rmse_px[place]))),
                p={model: float(value) for model, value in zip(models, matrix[best], strict=True)},
            )
        )
    return tuple(results)
