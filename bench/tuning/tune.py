"""``bench tune`` from its configuration to its findings: estimate, search each architecture, compare, write."""

import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import optuna
from optuna.storages import BaseStorage

import architectures
from bench.config.model_names import TUNED_SUFFIX, is_ensemble
from bench.config.settings import Config
from bench.errors import ConfigError
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.loading import load_faces
from bench.processes.side_by_side import side_by_side
from bench.records.keys import digest
from bench.records.tuned import FoldFinding, TunedParameters, write_tuned
from bench.running.local import ATTEMPTS
from bench.running.plan import Cell, Plan, make_plan
from bench.running.probe import probe_cell_seconds
from bench.running.run import choose_workers
from bench.running.task import FoldOutcome, FoldTask
from bench.running.worker_process import WorkerProcess
from bench.tuning.announcements import Comparing, Found, OnTuning, SearchBegan, SearchEstimated
from bench.tuning.comparison import compare_on_outer_folds
from bench.tuning.constraints import Constraints
from bench.tuning.findings import PLAIN_SEEDS, judge, summarise_study
from bench.tuning.journal import open_storage, storage_trouble_told
from bench.tuning.objective import Objective, split_training_part
from bench.tuning.parameters import Parameter
from bench.tuning.pruning import make_pruner
from bench.tuning.sampling import SteadySampler
from bench.tuning.search import Search, SearchEnd
from bench.tuning.space import search_space


@dataclass(frozen=True)
class Assignment:
    """One search: the cell of an architecture's defaults in one outer fold, and what is searched around it."""

    base: Cell
    space: tuple[Parameter, ...]


def tune(config: Config, on_event: OnTuning) -> list[TunedParameters]:
    """Search every architecture of ``config.run.models`` and write what was found.

    Args:
        config: ``run`` gives data, outer folds, models, workers; ``tuning`` the search; ``recipe`` and ``models`` the
            defaults that the search starts from.
        on_event: told what happens.

    Raises:
        BenchError: data, space, storage or a model cannot be used; nothing has been trained then.
        RecordError: the results or the storage could not be written; what was written before stands.
        KeyboardInterrupt: stopped; trials under way are told as interrupted and tried again next time.
    """
    with storage_trouble_told(config.run.out, config.tuning.storage):
        _refuse_unsearchable(config)
        config = config.with_typed({})  # what is typed is where the search starts, and what it finds goes over that
        source = FaceSource.of(config)
        faces = load_faces(source)
        plan = make_plan(config, source, faces)
        assignments = _assignments(config, plan)
        storage = open_storage(config.run.out, config.tuning.storage)
        workers = choose_workers(config.run, 10**6, plan.device)
        return _Tuning(config, source, faces, plan, storage, workers, on_event).run(assignments)


@dataclass(frozen=True)
class _Tuning:
    """Everything that was checked before training, and how many trials run side by side."""

    config: Config
    source: FaceSource
    faces: FaceSet
    plan: Plan
    storage: BaseStorage
    workers: int
    on_event: OnTuning

    def run(self, assignments: Sequence[Assignment]) -> list[TunedParameters]:
        estimate = self._estimate([assignment.base for assignment in assignments])
        self.on_event(estimate)
        findings: dict[str, list[FoldFinding]] = {}
        for assignment in assignments:
            finding = self._search(assignment, estimate.search_seconds)
            findings.setdefault(assignment.base.model, []).append(finding)
        return [self._conclude(model, folds) for model, folds in findings.items()]

    def _estimate(self, cells: Sequence[Cell]) -> SearchEstimated:
        """What it will take: probed trainings of the cells, scaled."""
        tuning = self.config.tuning
        with closing(WorkerProcess(self.config.run.threads)) as worker:
            training = probe_cell_seconds(cells, worker, self.config.run.cell_timeout_s)
        trial = {}
        for cell in cells:
            epochs = cell.task.recipe.epochs
            parts = tuning.inner_folds - 1  # each of the inner folds trains on all parts but one
            trial[cell.model] = training.get(cell.model, 0.0) * parts * tuning.epochs_inside(epochs) / epochs
        compared = 2 if tuning.nested else 2 * PLAIN_SEEDS  # trainings in full: of the defaults and of the best
        comparing = sum(training.get(cell.model, 0.0) for cell in cells) * compared / min(self.workers, compared)
        limit_s, total = tuning.time_limit_s, comparing
        if tuning.trials is not None:
            total += sum(trial[cell.model] for cell in cells) * tuning.trials / self.workers
        if limit_s is None:
            return SearchEstimated(trial, training, total, None)
        total = min(total, limit_s) if tuning.trials is not None else limit_s
        # Whatever the last comparison needs is kept back, but never more than half.
        return SearchEstimated(trial, training, total, max(limit_s - comparing, limit_s / 2) / len(cells))

    def _search(self, assignment: Assignment, search_s: float | None) -> FoldFinding:
        base, tuning, stop = assignment.base, self.config.tuning, threading.Event()
        objective = make_objective(self.config, self.faces, assignment)
        study = open_study(self.storage, self.config, self.plan, assignment)
        end = SearchEnd(tuning.trials, search_s, self.workers)
        with closing(Constraints(tuning, base.task.model, base.task.variant, self.faces.scheme)) as constraints:
            search = Search(study, assignment.space, objective, end, constraints.excess, self.on_event, stop)
            self.on_event(SearchBegan(study.study_name, base.model, base.fold, search.finished()))
            side_by_side([lambda: self._work(search)] * self.workers, stop)
        return summarise_study(study, base.fold)

    def _work(self, search: Search) -> None:
        run = self.config.run
        with closing(WorkerProcess(run.threads)) as worker:

            def run_fold(task: FoldTask, left_s: float | None) -> FoldOutcome:
                limits = [limit for limit in (left_s, run.cell_timeout_s) if limit is not None]
                outcome = FoldOutcome(None)
                for _ in range(ATTEMPTS):
                    outcome = worker.run(task, lambda _: None, min(limits, default=None), search.stop)
                    worth_it = outcome.cause in ("killed", "circumstance") and not outcome.in_any_process
                    if not worth_it or search.stop.is_set():
                        break
                    worker.close()  # the next attempt has a process of its own
                return outcome

            search.work(run_fold)

    def _conclude(self, model: str, folds: Sequence[FoldFinding]) -> TunedParameters:
        """Train defaults and best in full on each outer fold, then say whether the search was worth it."""
        tuning = self.config.tuning
        epochs = self.plan.variants[model].facts.network_recipe.epochs
        found = TunedParameters(
            model=model,
            mode="nested" if tuning.nested else "plain",
            protocol=self.plan.protocol_digest,
            folds=tuple(folds),
            adopted=True,
            verdict="The best of the inner folds, not yet compared on an outer one.",
            search_epochs=tuning.epochs_inside(epochs),
            epochs=epochs,
            asked_trials=tuning.trials,
            budget_s=tuning.time_limit_s,
        )
        self.on_event(Comparing(model, tuple(finding.outer_fold for finding in folds)))
        compared = compare_on_outer_folds(self.config, self.source, self.faces, found, self.on_event)
        adopted, verdict = judge(compared, nested=tuning.nested)
        found = found.model_copy(update={"folds": compared, "adopted": adopted, "verdict": verdict})
        write_tuned(self.config.run.out, found)
        self.on_event(Found(found))
        return found


def _refuse_unsearchable(config: Config) -> None:
    if config.run.quick or config.run.tuned:
        raise ConfigError("bench tune: run.quick and run.tuned do not go with a search; take them out")
    for model in config.run.models:
        if is_ensemble(model) or model.endswith(TUNED_SUFFIX):
            raise ConfigError(f"bench tune: '{model}' is made of networks and not searched itself; name those")


def _assignments(config: Config, plan: Plan) -> list[Assignment]:
    """The searches in their order: fold by fold, so that every architecture has its first result early."""
    outer = config.run.folds if config.tuning.nested else 1
    found = []
    for cell in plan.cells:
        if cell.kind == "network" and cell.fold < outer and cell.seed == 0:
            entry, task = architectures.get(cell.model), cell.task
            space = search_space(entry, task.variant.options, task.recipe, config.tuning.space, plan.dataset.scheme)
            found.append(Assignment(cell, space))
    return found


def make_objective(config: Config, faces: FaceSet, assignment: Assignment) -> Objective:
    """The inner folds of one search; rows of the outer fold are never among them."""
    tuning, task = config.tuning, assignment.base.task
    inner = split_training_part(faces, task.train_rows, tuning.inner_folds, config.run.seed)
    recipe = task.recipe.model_copy(update={"epochs": tuning.epochs_inside(task.recipe.epochs)})
    base = replace(task, variant=task.variant.model_copy(update={"recipe": recipe}), keep_weights=None)
    return Objective(base, faces.keypoints, inner, tuning.give_up_share if tuning.prune else None)


def open_study(storage: BaseStorage, config: Config, plan: Plan, assignment: Assignment) -> optuna.Study:
    """The study of one search: a new one, or the one that another process or an earlier start made.

    Its name holds a digest of whatever changes what a trial's value means, so unlike searches never mix.
    """
    base, tuning = assignment.base, config.tuning
    epochs = tuning.epochs_inside(base.task.recipe.epochs)
    meaning = {
        "protocol": plan.protocol_digest,
        "outer": base.fold,
        "variant": base.task.variant.model_dump(mode="json"),
        "epochs": epochs,
        "inner": tuning.inner_folds,
        "pruning": [tuning.prune, tuning.prune_percentile, tuning.prune_after_trials, tuning.give_up_share],
        "limits": [tuning.max_ms, tuning.max_params],
        "space": [[one.name, one.range.model_dump(mode="json"), one.default] for one in assignment.space],
        "seed": config.run.seed,
    }
    # The same with and without pruning, limits or a newer bench, so that such searches differ in nothing else.
    sampler_seed = int(digest([config.run.seed, base.model, base.fold]), 16) % 2**31
    study = optuna.create_study(
        storage=storage,
        study_name=f"{base.model} fold {base.fold} {digest(meaning)[:8]}",
        direction="minimize",
        load_if_exists=True,
        sampler=SteadySampler(sampler_seed),
        pruner=make_pruner(tuning.prune_percentile, tuning.prune_after_trials, prune=tuning.prune),
    )
    facts: dict[str, Any] = {
        "model": base.model,
        "outer_fold": base.fold,
        "inner_folds": tuning.inner_folds,
        "search_epochs": epochs,
        "data": plan.dataset.name,
        "trials_asked": tuning.trials,
        "budget_s": tuning.time_limit_s,
    }
    for key, value in facts.items():
        if study.user_attrs.get(key, ...) != value:
            study.set_user_attr(key, value)
    return study
