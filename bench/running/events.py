"""What a run tells whoever listens: plain values, so that nothing is drawn inside computation."""

from dataclasses import dataclass

from bench.comparing.race import Standing
from bench.records.schema import CurvePoint
from bench.running.plan import Cell, Plan
from bench.running.task import FoldOutcome


@dataclass(frozen=True)
class Planned:
    """The plan stands; ``missing`` cells have no record yet. ``workers`` run side by side."""

    plan: Plan
    missing: tuple[Cell, ...]
    workers: int


@dataclass(frozen=True)
class Estimated:
    """Cost of the missing cells, from a short measured probe: seconds of one cell per model, and of the whole.

    The cells of ``unknown`` models, whose probe failed or took too long, are not counted.
    """

    cell_seconds: dict[str, float]
    total_seconds: float
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Budgeted:
    """What the time of a race pays for: so many folds of all its networks, and none of those ``left_out``.

    ``left_out`` holds the seconds that one fold of each would take.
    """

    seconds: float
    folds: float
    left_out: dict[str, float]


@dataclass(frozen=True)
class Looked:
    """A look of a race of ``looks`` is decided; at most ``cells_left`` cells are to be trained yet."""

    standing: Standing
    looks: int
    cells_left: int


@dataclass(frozen=True)
class CellStarted:
    """A worker took up a cell."""

    cell: Cell


@dataclass(frozen=True)
class EpochEnded:
    """One epoch of a cell is over."""

    cell: Cell
    point: CurvePoint


@dataclass(frozen=True)
class CellEnded:
    """A cell's record is stored."""

    cell: Cell
    outcome: FoldOutcome


@dataclass(frozen=True)
class Stage:
    """A later stage began: measuring, reporting."""

    text: str


Event = Planned | Estimated | Budgeted | Looked | CellStarted | EpochEnded | CellEnded | Stage
