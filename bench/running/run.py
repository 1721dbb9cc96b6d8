"""A run from its configuration to its records: plan, skip what is done, execute, store, measure."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bench.comparing.race import LEVEL
from bench.config.settings import Config, RunSettings
from bench.errors import ConfigError
from bench.faces.checks import inspect
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.loading import load_faces
from bench.measuring.environment import describe_environment
from bench.processes.cores import free_memory_bytes, usable_cores
from bench.records.atomic import sweep
from bench.records.keys import protocol_digest
from bench.records.schema import TRANSIENT_CAUSES, AskedRecord, CellRecord, CurvePoint, RaceFacts
from bench.records.store import RecordStore
from bench.running.costs import store_costs, store_latencies, untimed
from bench.running.engine import Engine
from bench.running.events import CellEnded, CellStarted, EpochEnded, Estimated, Event, Planned, Stage
from bench.running.kept_weights import kept_weights
from bench.running.local import LocalEngine
from bench.running.plan import Cell, Plan, make_plan
from bench.running.probe import probe_cell_seconds, total_seconds
from bench.running.race import Race
from bench.running.task import FoldOutcome

logger = logging.getLogger(__name__)

WORKER_MEMORY_BYTES = 1_000_000_000
"""What one worker is assumed to need when ``--workers auto`` looks at the free memory."""
ACCELERATOR_WORKERS = {"cuda": 2, "mps": 1}
"""Most workers that ``--workers auto`` puts on one accelerator: each holds a context of its own there, and CUDA serves
them one after the other."""
TOGETHER = 10
CELL_MEMORY_BYTES = 2_000_000_000
"""On CUDA a worker trains up to ten cells side by side, as many as the accelerator's memory holds at this much each."""

PASSING = ("load_1min", "commit", "dirty")
"""Facts of an environment that tell when rather than where; each cell keeps those of its own."""

OnEvent = Callable[[Event], None]


@dataclass(frozen=True)
class RunResult:
    """What a run leaves: the faces it read, its plan, and the failed cells among those it planned."""

    faces: FaceSet
    plan: Plan
    store: RecordStore
    failed: tuple[CellRecord, ...]


def execute_run(config: Config, on_event: OnEvent, engine: Engine | None = None) -> RunResult:
    """Train whatever cells of ``config`` have no record yet.

    Raises:
        BenchError: the data, a model or the configuration cannot be used; nothing has been trained then.
        RecordError: a record could not be written (a full disk, say); those written before stand.
    """
    run, started = config.run, time.monotonic()
    source = FaceSource.of(config)
    faces = load_faces(source)
    plan = make_plan(config, source, faces)
    for finding in inspect(faces) if not faces.synthetic else ():
        logger.warning("%s: %s; `bench data check` shows more", faces.name, finding.message)
    sweep(run.out)
    store = RecordStore(run.out)
    environment = describe_environment(plan.device)
    asked = _note_what_was_asked(store, plan, environment, run)
    store.write_truth(plan.protocol_digest, faces.keypoints, faces.groups, plan.fold_of_row)
    elsewhere = trained_elsewhere(store, plan, refused=run.only_like)
    own = [cell for cell in plan.cells if cell.key not in elsewhere]
    missing = tuple(cell for cell in own if is_wanted(store, cell, retry_failed=run.retry_failed))
    recorder = Recorder(store, plan, environment, on_event, run.retry_failed)
    with closing(local_engine(run, len(missing), plan.device)) as local:
        on_event(Planned(plan, missing, local.workers))
        per_cell: dict[str, float] = {}
        if any(cell.kind == "network" for cell in missing):
            estimate = _estimate(missing, local)
            per_cell |= estimate.cell_seconds
            on_event(estimate)
        execute = engine or local
        if run.raced:
            ends = None if run.race_budget_s is None else started + run.race_budget_s
            to_time = frozenset(variant.model for variant in untimed(store, plan) if run.latency)
            allocator = Race(plan, store, missing, asked, per_cell, local.workers, ends, to_time, on_event)
            for cells in allocator.rounds(recorder.written):
                execute(cells, recorder)
        else:
            execute(missing, recorder)

    def tell(text: str) -> None:
        on_event(Stage(text))

    store_costs(store, plan, tell)
    if run.latency:
        store_latencies(store, plan, tell)
    records = (recorder.written.get(cell.key) or store.read_cell(cell.model, cell.key) for cell in own)
    failed = tuple(record for record in records if record is not None and record.status == "failed")
    return RunResult(faces, plan, store, failed)


def trained_elsewhere(store: RecordStore, plan: Plan, *, refused: bool = False) -> dict[str, str]:
    """Cells of the plan that have no sound record here, but one that other kernels made; by key, what made it.

    Their numbers are as good, but not bit for bit those that this machine would come to.

    Raises:
        ConfigError: there are some, and they are ``refused``.
    """
    of_others: dict[tuple[str, int, int], list[CellRecord]] = {}
    here = plan.cells[0].kernels
    for model in plan.variants:
        for record in store.cells_of(model):
            alike = protocol_digest(record.dataset, record.protocol) == plan.protocol_digest
            if record.status == "ok" and alike and record.kernels != here:
                of_others.setdefault((record.variant_digest, record.fold, record.seed), []).append(record)
    elsewhere: dict[str, str] = {}
    for cell in plan.cells:
        made = of_others.get((cell.variant_digest, cell.fold, cell.seed), [])
        sound = next((record for record in made if serves(store, record, cell)), None)
        if sound is not None and is_wanted(store, cell):
            elsewhere[cell.key] = sound.kernels
    if elsewhere:
        others = " and ".join(sorted({kernels or "kernels that were not noted" for kernels in elsewhere.values()}))
        told = (
            f"{len(elsewhere)} of {len(plan.cells)} cells were computed with {others}, and this machine computes with"
        )
        told = f"--out {store.out}: {told} {here}"
        if refused:
            raise ConfigError(f"{told}; go on where they were made, or take another --out")
        logger.warning("%s; what is missing is trained here, and rows that mix them are flagged", told)
    return elsewhere


def _estimate(missing: Sequence[Cell], engine: LocalEngine) -> Estimated:
    with engine.worker() as worker:
        per_cell = probe_cell_seconds(missing, worker, engine.timeout_s)
    networks = dict.fromkeys(cell.model for cell in missing if cell.kind == "network")
    unknown = tuple(model for model in networks if model not in per_cell)
    return Estimated(per_cell, total_seconds(missing, per_cell, engine.workers), unknown)


def is_wanted(store: RecordStore, cell: Cell, *, retry_failed: bool = False) -> bool:
    """Whether a cell has to be trained: no sound record, no weights where they are to be kept, or a failure
    that may not happen again (``retry_failed``: any failure)."""
    record = store.read_cell(cell.model, cell.key)
    if record is None:
        return True
    if record.status == "failed":
        return retry_failed or record.cause in TRANSIENT_CAUSES
    return not serves(store, record, cell)


def serves(store: RecordStore, record: CellRecord, cell: Cell) -> bool:
    """Whether a record that succeeded has all that is wanted of a cell: weights where they are to be kept, and arrays
    that can be read; damage is told."""
    if cell.task.keep_weights is not None and kept_weights(store.out, record) is None:
        return False
    damage = store.damage(record)
    if damage is not None:
        logger.warning("%s", damage)
    return damage is None


def local_engine(run: RunSettings, cells: int, device: str) -> LocalEngine:
    """What executes cells on this machine."""
    return LocalEngine(choose_workers(run, cells, device), run.threads, run.cell_timeout_s, cells_together(device))


def cells_together(device: str) -> int:
    """How many cells one worker trains side by side."""
    if not device.startswith("cuda"):
        return 1
    import torch

    there_bytes = torch.cuda.get_device_properties(torch.device(device)).total_memory
    return max(1, min(TOGETHER, there_bytes // CELL_MEMORY_BYTES))


def choose_workers(run: RunSettings, cells: int, device: str) -> int:
    """How many cells run side by side: as asked, or as many as cores, free memory and ``device`` carry; never more
    than cells.
    """
    if isinstance(run.workers, int):
        return max(1, min(run.workers, cells))
    by_memory = free_memory_bytes() // WORKER_MEMORY_BYTES
    by_device = ACCELERATOR_WORKERS.get(device.partition(":")[0], cells)
    return max(1, min(usable_cores() // run.threads, by_memory, by_device, cells))


@dataclass
class Recorder:
    """The engine's listener: turns outcomes into records the moment they arrive."""

    store: RecordStore
    plan: Plan
    environment: dict[str, Any]
    on_event: OnEvent
    retry_failed: bool = False
    written: dict[str, CellRecord] = field(default_factory=dict)
    """What came of each cell that was trained here, by its key, also where the store kept a better record."""
    _started: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def cell_started(self, cell: Cell) -> bool:
        """Take up a cell, unless another run on the same ``--out`` has finished it meanwhile."""
        self._started[cell.key] = now()
        if not is_wanted(self.store, cell, retry_failed=self.retry_failed):
            self.on_event(CellEnded(cell, FoldOutcome(None)))
            return False
        self.on_event(CellStarted(cell))
        return True

    def epoch_ended(self, cell: Cell, point: CurvePoint) -> None:
        """Pass an epoch on."""
        self.on_event(EpochEnded(cell, point))

    def cell_ended(self, cell: Cell, outcome: FoldOutcome, attempts: int) -> None:
        """Store the record, then tell."""
        succeeded = outcome.predictions is not None
        record = CellRecord(
            **vars(cell),  # cell and outcome hold their facts under the record's names
            **vars(outcome),
            status="ok" if succeeded else "failed",
            dataset=self.plan.dataset,
            protocol=self.plan.protocol,
            variant=cell.task.variant,
            train_rows=len(cell.task.train_rows),
            scored_rows=len(cell.task.scored_rows),
            attempts=attempts,
            started=self._started[cell.key],
            ended=now(),
            environment=self.environment,
        )
        self.written[cell.key] = record
        self.store.write_cell(record, cell.task.scored_rows if succeeded else None, outcome.predictions)
        self.on_event(CellEnded(cell, replace(outcome, curve=())))


def now() -> str:
    """The present moment, UTC, ISO 8601 to the microsecond."""
    return datetime.now(UTC).isoformat()


def _note_what_was_asked(
    store: RecordStore, plan: Plan, environment: dict[str, Any], run: RunSettings
) -> dict[str, AskedRecord]:
    """Store it, and return what was asked of each network."""
    moment, before = now(), store.asked()
    ahead = [record.asked for record in before if record.asked > moment]
    if ahead:
        logger.warning("--out %s: holds a run dated %s, ahead of this machine's clock; check it", store.out, ahead[-1])
    number = 1 + max((record.number for record in before), default=0)
    networks = tuple(variant.model for variant in plan.variants.values() if variant.kind == "network")
    race = RaceFacts(level=LEVEL, models=networks, budget_s=run.race_budget_s) if run.raced else None
    records = [
        AskedRecord(
            model=variant.model,
            kind=variant.kind,
            variant_digest=variant.digest,
            seeds=plan.seeds if variant.kind == "network" else 1,
            dataset=plan.dataset,
            protocol=plan.protocol,
            asked=moment,
            order=order,
            number=number,
            race=race if variant.kind == "network" else None,
            environment=environment,
        )
        for order, variant in enumerate(plan.variants.values())
    ]
    latest = [record for record in before if record.number == number - 1]
    if [_lasting(record) for record in latest] == [_lasting(record) for record in records]:
        records = latest  # whoever keeps the folder under version control sees no change where there is none
    else:
        for record in records:
            store.write_asked(record, plan.protocol_digest)
    return {record.model: record for record in records if record.kind == "network"}


def _lasting(record: AskedRecord) -> dict[str, Any]:
    """What was asked for, and where; without what is another each time."""
    environment = {name: fact for name, fact in record.environment.items() if name not in PASSING}
    return record.model_dump(exclude={"asked", "number", "environment"}) | environment
