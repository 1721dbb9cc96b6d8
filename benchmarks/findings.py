"""What a simulation found: shares of runs with their exact intervals."""

from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True)
class Share:
    """A share of runs with its exact 95 % binomial interval (Clopper & Pearson 1934)."""

    hits: int
    runs: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, hits: int, runs: int) -> "Share":
        """Count the hits."""
        hits = int(hits)  # may come from numpy, which JSON refuses
        interval = stats.binomtest(hits, runs).proportion_ci(method="exact")
        return cls(hits, runs, hits / runs, float(interval.low), float(interval.high))

    def __str__(self) -> str:
        return f"{100 * self.share:.1f} % of {self.runs} ({100 * self.low:.1f} to {100 * self.high:.1f})"


@dataclass(frozen=True)
class Finding:
    """One line of the result: what was asked, what was seen, whether it is within its bounds (None: no bound)."""

    question: str
    share: Share
    wanted: str
    met: bool | None
