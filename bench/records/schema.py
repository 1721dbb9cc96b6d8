"""What is stored of one cell: observations and their circumstances, never a derived statistic."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator

from bench.config.recipe import Recipe
from bench.scheme import SEED_SCHEME, Scheme

SCHEMA = 1
"""Version of the stored records; counts up when a field changes its name or meaning."""

Status = Literal["ok", "failed"]
Kind = Literal["network", "gate", "ensemble"]
FailureCause = Literal["diverged", "raised", "out of memory", "killed", "timeout", "gave up", "circumstance"]
"""``circumstance``: a disk, a file or a device was at fault, not the network."""
TRANSIENT_CAUSES: frozenset[FailureCause] = frozenset({"out of memory", "killed", "timeout", "circumstance"})
"""Failures of the circumstances: a later run tries them again. The others would fail in the same way."""


class Stored(BaseModel):
    """Base of stored facts: immutable; keys of newer versions are passed over when reading."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Versioned(Stored):
    """Base of what has a file of its own, which tells the version of its fields."""

    schema_version: int = Field(default=SCHEMA, alias="schema")


class DatasetFacts(Stored):
    """Which faces."""

    name: str
    fingerprint: str
    rows: int
    groups: int
    grouping: str
    people_known: bool
    synthetic: bool = False
    scheme: Scheme = SEED_SCHEME


class ProtocolFacts(Stored):
    """How they are split. Records are ranked together only where dataset and protocol are equal."""

    folds: int
    seed: int
    folds_digest: str
    quick: bool = False


class VariantFacts(Stored):
    """Everything besides dataset, protocol, fold and seed that can change a cell's numbers.

    It was trained in ``precision``; what came after (scores, latency) is in ``predict_precision``.

    ``recipe`` is None for a gate and an ensemble, which no recipe trains; a file holds ``{}`` then. ``source`` tells
    where a network's code stands (``package.module`` or ``FILE.py``), so that a later reader can compare; a network
    from before this was noted has none. ``beside`` holds the files of the user's own that ran with ``FILE.py``, as seen
    from its folder.
    """

    options: dict[str, Any] = Field(default_factory=dict)
    recipe: Recipe | None = None
    device: str = "cpu"
    precision: str = "float32"
    predict_precision: str = "float32"
    threads: int = 1
    code_digest: str = ""
    source: str = ""
    beside: tuple[str, ...] = ()
    scheme: Scheme = SEED_SCHEME
    versions: dict[str, str] = Field(default_factory=dict)
    tuned: dict[str, Any] | None = None
    pretrained: bool = False

    @field_validator("recipe", mode="before")
    @classmethod
    def _readable(cls, stored: object) -> object:
        if isinstance(stored, Mapping):  # of any version: keys that only others know are passed over
            return {name: value for name, value in stored.items() if name in Recipe.model_fields} or None
        return stored

    @field_serializer("recipe")
    def _stored(self, recipe: Recipe | None) -> dict[str, Any]:
        return recipe.model_dump(mode="json") if recipe is not None else {}

    @property
    def network_recipe(self) -> Recipe:
        """The recipe of a network.

        Raises:
            ValueError: of a gate or an ensemble, which has none.
        """
        if self.recipe is None:
            raise ValueError("only networks are trained by a recipe")
        return self.recipe


class CurvePoint(Stored):
    """One epoch of training: mean loss over the training rows, seconds since the start."""

    epoch: int
    train_loss: float
    seconds: float
    learning_rate: float


class CellRecord(Versioned):
    """One cell: architecture x fold x seed. ``predictions_sha256`` seals the array file beside it.

    ``kernels`` tells what its numbers were computed with; empty where that was not noted yet.
    """

    key: str
    status: Status
    kind: Kind
    model: str
    fold: int
    seed: int
    dataset: DatasetFacts
    protocol: ProtocolFacts
    variant: VariantFacts
    variant_digest: str
    kernels: str = ""
    train_rows: int
    scored_rows: int
    cause: FailureCause | None = None
    reason: str | None = None
    attempts: int = 1
    curve: list[CurvePoint] = Field(default_factory=list)
    train_seconds: float | None = None
    predict_seconds: float | None = None
    started: str = ""
    ended: str = ""
    environment: dict[str, Any] = Field(default_factory=dict)
    predictions_sha256: str | None = None


class LatencyRecord(Versioned):
    """Raw timings of one model in one setting on one machine; warm-ups kept apart.

    ``samples_ms`` holds one list per round; ``canary_ms`` the same for the small fixed model of each round, and
    ``waited_share`` the share of the time that the measuring process waited for a core (None where unknown).
    """

    key: str
    model: str
    variant_digest: str
    batch: int
    threads: int
    device: str
    precision: str
    memory_format: str
    runtime: str = "torch"
    end_to_end: bool = False
    warmup_ms: list[float] = Field(default_factory=list)
    samples_ms: list[list[float]] = Field(default_factory=list)
    canary_ms: list[list[float]] = Field(default_factory=list)
    waited_share: list[float | None] = Field(default_factory=list)
    unstable: bool = False
    unstable_reason: str | None = None
    rounds_retaken: int = 0
    peak_memory_mb: float | None = None
    measured: str = ""
    environment: dict[str, Any] = Field(default_factory=dict)


Verdict = Literal["same bits", "near", "otherwise"]
"""How a cell that was trained again came out; ``near``: as near as training on another kind of machine ends."""


class Verification(Versioned):
    """A recorded cell was trained again; it speaks of the predictions of that digest alone.

    ``like``: on a machine that must come to the same bits. ``differing`` coordinates did not; ``rms_px`` and
    ``largest_px`` are of the differences of all, and the RMSEs those of either against the labels. ``kernels`` are
    those that it was trained again with.
    """

    key: str
    model: str
    fold: int
    seed: int
    predictions_sha256: str
    verdict: Verdict
    like: bool
    differing: int
    rms_px: float
    largest_px: float
    recorded_rmse_px: float
    repeated_rmse_px: float
    kernels: str = ""
    verified: str = ""
    environment: dict[str, Any] = Field(default_factory=dict)


class CostRecord(Versioned):
    """Static costs of one variant of a model, counted once: no timing in it."""

    model: str
    variant_digest: str
    parameters: int
    trainable_parameters: int
    macs: int
    weights_mb: float


class RaceFacts(Stored):
    """What a race was, as each of its networks has it.

    ``level`` is the probability with which it may drop the best network, ``models`` are all that started, and
    ``unpaid_after`` so many looks its ``budget_s`` had no time left for this one.
    """

    level: float
    models: tuple[str, ...]
    budget_s: float | None = None
    unpaid_after: int | None = None


class AskedRecord(Versioned):
    """A run asked for this variant of a model under this dataset and protocol; the newest one decides what is shown.

    ``number`` counts the runs under ``--out``, so that a clock that was wrong once decides nothing; records from before
    this was noted have 0.
    """

    model: str
    kind: Kind
    variant_digest: str
    seeds: int
    dataset: DatasetFacts
    protocol: ProtocolFacts
    asked: str
    order: int = 0
    number: int = 0
    race: RaceFacts | None = None
    environment: dict[str, Any] = Field(default_factory=dict)
