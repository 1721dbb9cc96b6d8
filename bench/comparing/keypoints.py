"""Who wins at which keypoint, corrected for asking as often as there are keypoints."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import squareform

from bench.comparing.observations import Observations
from bench.comparing.pair_tests import SIGNIFICANCE, holm, p_values
from bench.comparing.row_losses import Numbers, keypoint_losses
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


@dataclass(frozen=True)
class KeypointTests:
    """All pairs of some models at all keypoints, one corrected family.

    Attributes:
        models: names.
        keypoints: the P that are labelled somewhere.
        rmse_px: float64 (P, M).
        p: float64 (P, M, M): two-sided, after Holm's correction over all pairs at all keypoints together, since the
            best of each is picked by its error.
    """

    models: tuple[str, ...]
    keypoints: tuple[str, ...]
    rmse_px: Numbers
    p: Numbers

    def among(self, models: Collection[str]) -> tuple[KeypointResult, ...]:
        """Who of these models wins where; the correction stays that of all."""
        places = [place for place, model in enumerate(self.models) if model in models]
        return tuple(self._result(point, places) for point in range(len(self.keypoints))) if places else ()

    def _result(self, point: int, places: Sequence[int]) -> KeypointResult:
        errors, p = self.rmse_px[point], self.p[point]
        best = min(places, key=lambda place: float(errors[place]))
        tied = [place for place in places if place != best and p[best, place] > SIGNIFICANCE]
        return KeypointResult(
            keypoint=self.keypoints[point],
            rmse_px={self.models[place]: float(errors[place]) for place in places},
            best=self.models[best],
            winner=None if tied else self.models[best],
            tied=tuple(self.models[place] for place in sorted(tied, key=lambda place: float(errors[place]))),
            p={self.models[place]: float(p[best, place]) for place in places},
        )


def keypoint_tests(observations: Observations) -> KeypointTests:
    """Compare all models at every keypoint that is labelled somewhere, as architectures (claim two)."""
    models = tuple(observations.predictions)
    labelled = [
        (name, spread(losses))
        for name, losses in (
            zip(observations.scheme.names, keypoint_losses(observations), strict=True) if models else ()
        )
        if losses.counts.size
    ]
    shape = (len(labelled), len(models), len(models))
    p = np.ones(shape)
    if labelled and len(models) > 1:
        alone = [squareform(p_values(found), checks=False) for _, found in labelled]
        corrected = holm(np.concatenate(alone)).reshape(len(labelled), -1)
        p = np.stack([squareform(each) for each in corrected]) + np.eye(len(models))
    return KeypointTests(
        models=models,
        keypoints=tuple(name for name, _ in labelled),
        rmse_px=np.array([found.rmse_px for _, found in labelled]).reshape(shape[:2]),
        p=p,
    )
