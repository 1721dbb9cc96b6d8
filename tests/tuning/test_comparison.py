"""Default and tuned on outer folds: the cells of ``bench run --tuned``, each trained once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bench.config.loading import load_config
from bench.config.settings import Config
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.loading import load_faces
from bench.records.store import RecordStore
from bench.records.tuned import FoldFinding, Mode, TunedParameters, write_tuned
from bench.running.engine import Listener
from bench.running.plan import Cell, make_plan
from bench.running.run import is_wanted
from bench.running.task import FoldOutcome
from bench.tuning import comparison
from bench.tuning.announcements import ComparisonFailed, TuningEvent
from bench.tuning.findings import PLAIN_SEEDS

FOLDS = 2


@dataclass
class Engine:
    """In the local engine's place: answers every cell with the labels, moved by its width in pixels."""

    faces: FaceSet
    trained: list[tuple[str, int]]
    fails: str = ""

    def close(self) -> None:
        pass

    def __call__(self, cells: Sequence[Cell], listener: Listener) -> None:
        for cell in cells:
            self.trained.append((cell.model, cell.fold))
            assert listener.cell_started(cell)
            missed_px = np.float32(cell.task.variant.options["width"])
            outcome = FoldOutcome(self.faces.keypoints[cell.task.scored_rows] + missed_px, train_seconds=0.0)
            if cell.model == self.fails:
                outcome = FoldOutcome(None, cause="diverged", reason="the loss is not finite")
            listener.cell_ended(cell, outcome, 1)


@dataclass
class Bench:
    """A search over two outer folds that found narrower networks, and what became of it."""

    config: Config
    source: FaceSource
    faces: FaceSet
    engine: Engine
    events: list[TuningEvent]

    def found(self, mode: Mode) -> TunedParameters:
        findings = [FoldFinding(outer_fold=0, study="s", options={"width": 4}, improved=True)]
        if mode == "nested":
            findings.append(FoldFinding(outer_fold=1, study="t", options={"width": 6}, improved=True))
        return TunedParameters(
            model="plain_cnn", mode=mode, protocol=make_plan(self.config, self.source, self.faces).protocol_digest,
            folds=tuple(findings), adopted=True, verdict="", search_epochs=1, epochs=1,
        )  # fmt: skip

    def compare(self, found: TunedParameters) -> TunedParameters:
        folds = comparison.compare_on_outer_folds(self.config, self.source, self.faces, found, self.events.append)
        return found.model_copy(update={"folds": folds})

    def wanted(self) -> list[tuple[str, int]]:
        """What ``bench run --tuned`` would train now."""
        config = self.config.model_copy(update={"run": self.config.run.model_copy(update={"tuned": True})})
        cells = make_plan(config, self.source, self.faces).cells
        store = RecordStore(self.config.run.out)
        return [(cell.model, cell.fold) for cell in cells if cell.kind == "network" and is_wanted(store, cell)]


@pytest.fixture
def bench(faces_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    run = {"models": ("plain_cnn",), "data": faces_csv, "groups": str(faces_csv.parent / "people.csv"), "folds": FOLDS}
    file = tmp_path / "defaults.toml"
    file.write_text("[models.plain_cnn]\nwidth = 8\n")
    config = load_config(file, (), {**run, "out": tmp_path / "results"})
    source = FaceSource.of(config)
    faces = load_faces(source)
    engine = Engine(faces, [])
    monkeypatch.setattr(comparison, "local_engine", lambda *_: engine)
    return Bench(config, source, faces, engine, [])


def test_a_nested_comparison_trains_what_the_tuned_row_needs(bench: Bench) -> None:
    found = bench.compare(bench.found("nested"))
    assert sorted(bench.engine.trained) == [
        (name, fold) for name in ("plain_cnn", "plain_cnn@tuned") for fold in (0, 1)
    ]
    scores = [(fold.outer_default_px, fold.outer_best_px) for fold in found.folds]
    assert scores == [pytest.approx((8.0, 4.0)), pytest.approx((8.0, 6.0))]
    write_tuned(bench.config.run.out, found)
    assert bench.wanted() == []


def test_a_plain_comparison_trains_the_first_fold_of_the_tuned_row(bench: Bench) -> None:
    write_tuned(bench.config.run.out, bench.compare(bench.found("plain")))
    assert sorted(bench.engine.trained) == [("plain_cnn", 0)] * PLAIN_SEEDS + [("plain_cnn@tuned", 0)] * PLAIN_SEEDS
    assert bench.wanted() == [("plain_cnn", 1), ("plain_cnn@tuned", 1)]


@pytest.mark.parametrize("mode", ["plain", "nested"])
def test_what_is_recorded_is_not_trained_again(bench: Bench, mode: Mode) -> None:
    found = bench.found(mode)
    first = bench.compare(found)
    bench.engine.trained.clear()
    assert bench.compare(found) == first
    assert bench.engine.trained == []


def test_a_search_that_improved_nothing_compares_nothing_but_the_defaults(bench: Bench) -> None:
    found = bench.found("plain")
    same = found.model_copy(update={"folds": (found.folds[0].model_copy(update={"improved": False}),)})
    (fold,) = bench.compare(same).folds
    assert (fold.outer_default_px, fold.outer_best_px, fold.difference_px) == (
        pytest.approx(8.0),
        pytest.approx(8.0),
        None,
    )
    assert bench.engine.trained == [("plain_cnn", 0)] * PLAIN_SEEDS


def test_a_training_that_fails_is_told_with_its_reason(bench: Bench) -> None:
    bench.engine.fails = "plain_cnn@tuned"
    found = bench.compare(bench.found("plain"))
    assert bench.events == [ComparisonFailed("plain_cnn@tuned", 0, "diverged: the loss is not finite")]
    assert found.folds[0].outer_default_px is not None and found.folds[0].outer_best_px is None
    assert found.comparison_failed


def test_a_gain_that_other_trainings_may_turn_is_none() -> None:
    """People alone would call it real: every training of the default misses all of them by as much more or less."""
    generator = np.random.default_rng(3)
    truth = generator.uniform(20, 70, (120, 15, 2)).astype(np.float32)
    truth[5, 3] = np.nan
    groups = np.arange(120) // 3
    noise = generator.normal(0, 2, (6, 120, 15, 2)).astype(np.float32)
    restless = np.array([0.9, 1.0, 1.4], dtype=np.float32)[:, None, None, None]
    difference, interval = comparison.gain(truth + noise[:3] * restless, truth + noise[3:], truth, groups)
    assert difference == pytest.approx(0.24, abs=0.05)
    assert interval is not None and interval[0] < 0 < interval[1]
    better, interval = comparison.gain(truth + noise[:3] * 1.5, truth + noise[3:], truth, groups)
    assert better == pytest.approx(1.0, abs=0.1)
    assert interval is not None and 0.8 < interval[0] < better < interval[1]
    assert comparison.gain(truth + noise[:1], truth + noise[1:2], truth, groups)[1] is None
