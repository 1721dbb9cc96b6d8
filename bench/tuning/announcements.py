"""What a search tells while it goes on."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.records.studies import TrialResult
from bench.records.tuned import TunedParameters


@dataclass(frozen=True)
class SearchEstimated:
    """Seconds of one complete trial and of one full training, by model; of everything; and of the search in each study,
    where time is what ends it."""

    trial_seconds: dict[str, float]
    training_seconds: dict[str, float]
    total_seconds: float
    search_seconds: float | None


@dataclass(frozen=True)
class SearchBegan:
    """One study begins, or goes on with ``finished`` trials."""

    study: str
    model: str
    outer_fold: int
    finished: int


@dataclass(frozen=True)
class TrialEnded:
    """A trial was told; ``finished`` counts those of the study so far."""

    study: str
    number: int
    result: TrialResult
    finished: int


@dataclass(frozen=True)
class Comparing:
    """The best parameters and the defaults are trained in full and scored on outer folds."""

    model: str
    outer_folds: tuple[int, ...]


@dataclass(frozen=True)
class ComparisonFailed:
    """A training of the comparison failed, with its reason."""

    model: str
    outer_fold: int
    reason: str


@dataclass(frozen=True)
class Found:
    """An architecture is done."""

    tuned: TunedParameters


TuningEvent = SearchEstimated | SearchBegan | TrialEnded | Comparing | ComparisonFailed | Found
OnTuning = Callable[[TuningEvent], None]
