"""``bench tune`` from its configuration to its findings: estimate, search each architecture, compare, write."""

import threading
from collections.abc import Sequence
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
from bench.running.plan import Cell, Plan, make_plan
from bench.running.probe import probe_cell_seconds
from bench.running.run import choose_workers
from bench.tuning.announcements import Comparing, Found, OnTuning, SearchBegan, SearchEstimated
from bench.tuning.comparison import compare_on_outer_fold
from bench.tuning.constraints import Constraints
from bench.tuning.findings import judge, summarise_study
from bench.tuning.journal import open_storage, storage_trouble_told
from bench.tuning.objective import Objective, split_training_part
from bench.tuning.parameters import Parameter
from bench.tuning.pruning import make_pruner
from bench.tuning.runners import MakeRunner, ProcessRunner
from bench.tuning.sampling import SteadySampler, distributions
from bench.tuning.search import OnTrial, Search, SearchEnd, TrialBegan, TrialEnded
from bench.tuning.space import search_space


@dataclass(frozen=True)
class Assignment:
    """One search: an architecture inside one outer fold."""

    model: str
    outer_fold: int
    space: tuple[Parameter, ...]
    base: Cell


def tune(config: Config, on_event: OnTuning, make_runner: MakeRunner | None = None) -> list[TunedParameters]:
    """Search every architecture of ``config.run.models`` and write what was found.

    Args:
        config: ``run`` gives data, outer folds, models, workers; ``tuning`` the search; ``recipe`` and ``models`` the
            defaults that the search starts from.
        on_event: told what happens.
        make_runner: trains the folds; None means worker processes.

    Raises:
        BenchError: data, space, storage or a model cannot be used; nothing has been trained then.
        RecordError: the results or the storage could not be written; what was written before stands.
        KeyboardInterrupt: stopped; trials under way are told as interrupted and tried again next time.
    """
    with storage_trouble_told(config.run.out, config.tuning.storage):
        return _Session.prepare(config, on_event, make_runner).run()


@dataclass(frozen=True)
class _Session:
    config: Config
    faces: FaceSet
    source: FaceSource
    plan: Plan
    assignments: tuple[Assignment, ...]
    storage: BaseStorage
    workers: int
    make_runner: MakeRunner
    on_event: OnTuning

    @classmethod
    def prepare(cls, config: Config, on_event: OnTuning, make_runner: MakeRunner | None) -> "_Session":
        """Check everything that can be checked before training."""
        if config.run.quick or config.run.tuned:
            raise ConfigError("bench tune: run.quick and run.tuned do not go with a search; take them out")
        for model in config.run.models:
            if is_ensemble(model) or model.endswith(TUNED_SUFFIX):
                raise ConfigError(f"bench tune: '{model}' is made of networks and not searched itself; name those")
        source = FaceSource.of(config)
        faces = load_faces(source)
        plan = make_plan(config, source, faces)
        assignments = tuple(_assignments(config, plan))
        storage = open_storage(config.run.out, config.tuning.storage)
        workers = choose_workers(config.run, 10**6, plan.device)
        threads = config.run.threads
        runner = make_runner or (lambda stop: ProcessRunner(stop, threads))
        return cls(config, faces, source, plan, assignments, storage, workers, runner, on_event)

    def run(self) -> list[TunedParameters]:
        budget_s = self._estimate()
        findings: dict[str, list[FoldFinding]] = {}
        for assignment in self.assignments:
            search_s = budget_s[assignment.model] if budget_s is not None else None
            finding = self._search(assignment, search_s)
            findings.setdefault(assignment.model, []).append(finding)
        found = []
        for model, folds in findings.items():
            tuned = self._conclude(model, folds)
            write_tuned(self.config.run.out, tuned)
            self.on_event(Found(tuned))
            found.append(tuned)
        return found

    def _estimate(self) -> dict[str, float] | None:
        """Tell what it will take; the seconds of search for each study, if time is what ends it."""
        tuning = self.config.tuning
        cells = [assignment.base for assignment in self.assignments]
        training = probe_cell_seconds(cells, self.config.run.threads)
        trial = {cell.model: self._trial_seconds(cell, training.get(cell.model, 0.0)) for cell in cells}
        trainings = 2  # the defaults and the best
        comparing = sum(training.get(cell.model, 0.0) * trainings for cell in cells) / min(self.workers, trainings)
        limit_s = tuning.time_limit_s
        total = comparing
        if tuning.trials is not None:
            total += sum(trial[cell.model] for cell in cells) * tuning.trials / self.workers
        if limit_s is not None:
            total = min(total, limit_s) if tuning.trials is not None else limit_s
        self.on_event(SearchEstimated(trial, training, total, len(cells)))
        if limit_s is None:
            return None
        # Whatever the last comparison needs is kept back, but never more than half.
        share = max(limit_s - comparing, limit_s / 2) / len(cells)
        return dict.fromkeys(trial, share)

    def _trial_seconds(self, cell: Cell, training_s: float) -> float:
        tuning = self.config.tuning
        epochs = cell.task.recipe.epochs
        inner_share = (tuning.inner_folds - 1) / tuning.inner_folds
        return training_s * tuning.epochs_inside(epochs) / epochs * inner_share * tuning.inner_folds

    def _search(self, assignment: Assignment, search_s: float | None) -> FoldFinding:
        tuning, stop = self.config.tuning, threading.Event()
        objective = make_objective(self.config, self.faces, assignment)
        study = open_study(self.storage, self.config, self.plan, assignment, objective)
        end = SearchEnd(tuning.trials, search_s, self.workers)
        defaults = {parameter.name: parameter.default for parameter in assignment.space}
        with Constraints(tuning, assignment.base.task.model, assignment.base.task.variant.options) as constraints:
            search = Search(
                study,
                distributions(assignment.space),
                defaults,
                objective,
                end,
                constraints.active(),
                self._on_trial(),
                stop,
            )
            self.on_event(SearchBegan(study.study_name, assignment.model, assignment.outer_fold, search.finished()))
            side_by_side([lambda: self._work(search)] * self.workers, stop)
        return summarise_study(study, assignment.outer_fold)

    def _work(self, search: Search) -> None:
        with self.make_runner(search.stop) as run_fold:
            search.work(run_fold)

    def _on_trial(self) -> OnTrial:
        lock = threading.Lock()

        def told(event: TrialBegan | TrialEnded) -> None:
            with lock:
                self.on_event(event)

        return told

    def _conclude(self, model: str, folds: Sequence[FoldFinding]) -> TunedParameters:
        """Train defaults and best in full on each outer fold, then say whether the search was worth it."""
        tuning = self.config.tuning
        findings = []
        for finding in folds:
            self.on_event(Comparing(model, finding.outer_fold))
            findings.append(compare_on_outer_fold(self.config, self.source, self.faces, finding, model))
        adopted, verdict = judge(findings, nested=tuning.nested)
        epochs = self.plan.variants[model].facts.network_recipe.epochs
        return TunedParameters(
            model=model,
            mode="nested" if tuning.nested else "plain",
            protocol=self.plan.protocol_digest,
            folds=tuple(findings),
            adopted=adopted,
            verdict=verdict,
            search_epochs=tuning.epochs_inside(epochs),
            epochs=epochs,
            asked_trials=tuning.trials,
            budget_s=tuning.time_limit_s,
        )


def _assignments(config: Config, plan: Plan) -> list[Assignment]:
    """The searches in their order: fold by fold, so that every architecture has its first result early."""
    outer = range(config.run.folds if config.tuning.nested else 1)
    found = []
    for fold in outer:
        for model in config.run.models:
            cell = next(cell for cell in plan.cells if (cell.model, cell.fold, cell.seed) == (model, fold, 0))
            entry = architectures.get(model)
            space = search_space(entry, cell.task.variant.options, cell.task.recipe, config.tuning.space)
            found.append(Assignment(model, fold, space, cell))
    return found


def make_objective(config: Config, faces: FaceSet, assignment: Assignment) -> Objective:
    """The inner folds of one search; rows of the outer fold are never among them."""
    tuning, task = config.tuning, assignment.base.task
    inner = split_training_part(faces, task.train_rows, tuning.inner_folds, config.run.seed)
    recipe = task.recipe.model_copy(update={"epochs": tuning.epochs_inside(task.recipe.epochs)})
    base = replace(task, variant=task.variant.model_copy(update={"recipe": recipe}), keep_weights=None)
    return Objective(base, faces.keypoints, inner, tuning.give_up_share if tuning.prune else None)


def open_study(
    storage: BaseStorage, config: Config, plan: Plan, assignment: Assignment, objective: Objective
) -> optuna.Study:
    """The study of one search: a new one, or the one that another process or an earlier start made.

    Its name holds a digest of whatever changes what a trial's value means, so unlike searches never mix.
    """
    tuning = config.tuning
    variant = plan.variants[assignment.model].facts
    meaning = {
        "protocol": plan.protocol_digest,
        "outer": assignment.outer_fold,
        "variant": variant.model_dump(mode="json"),
        "epochs": objective.base.recipe.epochs,
        "inner": tuning.inner_folds,
        "pruning": [tuning.prune, tuning.prune_percentile, tuning.prune_after_trials, tuning.give_up_share],
        "limits": [tuning.max_ms, tuning.max_params],
        "space": [[one.name, one.range.model_dump(mode="json"), one.default] for one in assignment.space],
        "seed": config.run.seed,
    }
    name = f"{assignment.model} fold {assignment.outer_fold} {digest(meaning)[:8]}"
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        direction="minimize",
        load_if_exists=True,
        sampler=SteadySampler(_sampler_seed(config, assignment)),
        pruner=make_pruner(tuning.prune_percentile, tuning.prune_after_trials, prune=tuning.prune),
    )
    facts: dict[str, Any] = {
        "model": assignment.model,
        "outer_fold": assignment.outer_fold,
        "inner_folds": tuning.inner_folds,
        "search_epochs": objective.base.recipe.epochs,
        "data": plan.dataset.name,
        "trials_asked": tuning.trials,
        "budget_s": tuning.time_limit_s,
    }
    for key, value in facts.items():
        if study.user_attrs.get(key, ...) != value:
            study.set_user_attr(key, value)
    return study


def _sampler_seed(config: Config, assignment: Assignment) -> int:
    """The same with and without pruning, limits or a newer bench, so that such searches differ in nothing else."""
    return int(digest([config.run.seed, assignment.model, assignment.outer_fold]), 16) % 2**31
