"""What a search tells while it goes on."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.records.tuned import TunedParameters
from bench.tuning.search import TrialBegan, TrialEnded


@dataclass(frozen=True)
class SearchEstimated:
    """Seconds of one complete trial and of one full training, by model; and of everything, if it is known."""

    trial_seconds: dict[str, float]
    training_seconds: dict[str, float]
    total_seconds: float
    studies: int


@dataclass(frozen=True)
class SearchBegan:
    """One study begins, or goes on with ``finished`` trials."""

    study: str
    model: str
    outer_fold: int
    finished: int


@dataclass(frozen=True)
class Comparing:
    """The best parameters and the defaults are trained in full and scored on an outer fold."""

    model: str
    outer_fold: int


@dataclass(frozen=True)
class Found:
    """An architecture is done."""

    tuned: TunedParameters


TuningEvent = SearchEstimated | SearchBegan | TrialBegan | TrialEnded | Comparing | Found
OnTuning = Callable[[TuningEvent], None]
