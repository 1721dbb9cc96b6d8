"""The report's chapter on tuning, from recorded trials."""

from pathlib import Path
from xml.etree import ElementTree

import optuna
import pytest

from bench.api import search_material
from bench.records.studies import State, StudyFacts, TrialFacts
from bench.records.tuned import FoldFinding, TunedParameters, write_tuned
from bench.reporting.figures.search import ranks_after
from bench.reporting.search_chapter import search_chapter
from bench.reporting.section import Section
from bench.tuning.findings import summarise_study
from bench.tuning.history import read_studies
from bench.tuning.journal import open_storage
from bench.tuning.search import SearchEnd
from tests.tuning.rehearsal import Arithmetic, make_objective, make_search, open_study, small_faces

EVIL = "<script>alert(1)</script>"


def record_search(out: Path, model: str, trials: int, url: str | None = None) -> None:
    storage = open_storage(out, url)
    study = optuna.create_study(storage=storage, study_name=f"{model} fold 0", sampler=None)
    facts = {"model": model, "outer_fold": 0, "inner_folds": 3, "search_epochs": 4}
    for name, value in facts.items():
        study.set_user_attr(name, value)
    study.sampler = open_study(optuna.storages.InMemoryStorage(), seed=len(model)).sampler
    study.pruner = open_study(optuna.storages.InMemoryStorage()).pruner
    faces = small_faces()
    make_search(study, make_objective(faces), SearchEnd(trials)).work(Arithmetic(faces))
    compared = {"outer_default_px": 2.0, "outer_best_px": 1.9, "difference_px": 0.1, "interval_px": (0.05, 0.15)}
    finding = summarise_study(study, 0).model_copy(update=compared)
    tuned = TunedParameters(
        model=model, mode="plain", protocol="p", folds=(finding,), adopted=True, verdict="Tuned is better.",
        search_epochs=4, epochs=12, asked_trials=trials,
    )  # fmt: skip
    write_tuned(out, tuned)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("recorded")
    record_search(out, "one", 16)
    record_search(out, f"two{EVIL}", 16)
    return out


def chapter_of(out: Path, url: str | None = None) -> Section | None:
    material = search_material(out, url)
    return search_chapter(material) if material is not None else None


def section_of(out: Path) -> Section:
    section = chapter_of(out)
    assert section is not None
    return section


def test_nothing_tuned_no_chapter(tmp_path: Path) -> None:
    assert chapter_of(tmp_path) is None


def test_the_chapter_has_every_drawing_and_is_well_formed(recorded: Path) -> None:
    section = section_of(recorded)
    names = {figure.name for figure in section.figures}
    assert {"figure-tuning-history", "figure-tuning-rank", "figure-tuning-0-importance"} <= names
    assert {"figure-tuning-0-parallel", "figure-tuning-1-parallel"} <= names
    for body in [section.body, *(figure.body for figure in section.figures)]:
        ElementTree.fromstring(f"<div>{body}</div>")
        assert "<script" not in str(body)
    assert "Each architecture was given 16 trials." in section.lead


def test_the_table_tells_counts_gap_and_reasons(recorded: Path) -> None:
    body = str(section_of(recorded).body)
    assert "pruned" in body
    assert "others did better" in body
    study = read_studies(recorded)[0]
    assert study.best is not None and f"{study.best.value:.3f}" in body
    assert study.folds_trained < 16 * 3


def test_unequal_budgets_are_told(tmp_path: Path) -> None:
    record_search(tmp_path, "one", 5)
    record_search(tmp_path, "two", 6)
    assert "not given the same budget" in section_of(tmp_path).lead


def test_a_lost_journal_leaves_the_findings(tmp_path: Path) -> None:
    finding = FoldFinding(outer_fold=0, study="gone", inner_default_px=2.0)
    tuned = TunedParameters(
        model="one", mode="plain", protocol="p", folds=(finding,), adopted=False, verdict="The defaults stay.",
        search_epochs=4, epochs=12,
    )  # fmt: skip
    write_tuned(tmp_path, tuned)
    section = section_of(tmp_path)
    assert "trials cannot be shown" in section.lead
    assert "2.000" in str(section.body)


def test_trials_in_a_database_are_shown_where_it_is_named_and_missed_where_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    record_search(tmp_path, "one", 6, url)
    assert "name another --out or --storage" in section_of(tmp_path).lead
    record_search(tmp_path, "two", 5)
    assert "The trials of some are in another --storage" in section_of(tmp_path).lead
    database = chapter_of(tmp_path, url)
    assert database is not None and "All trials of one" in str(database.body)


def trial(number: int, value: float, state: State = "complete") -> TrialFacts:
    done = 3 if state == "complete" else 1
    return TrialFacts(number=number, state=state, value=value, seconds=3.0, folds_done=done, is_default=number == 0)


def study_of(name: str, *trials: TrialFacts) -> StudyFacts:
    return StudyFacts(name=name, model=name, outer_fold=0, inner_folds=3, search_epochs=4, trials=trials)


def test_ranks_follow_the_best_complete_trial_so_far() -> None:
    early = study_of("early", trial(0, 2.0), trial(1, 1.5), trial(2, 1.5))
    late = study_of("late", trial(0, 3.0), trial(1, 0.5, "pruned"), trial(2, 1.0))
    assert ranks_after([early, late], 1) == {"early": 1, "late": 2}
    assert ranks_after([early, late], 2) == {"early": 1, "late": 2}, "a pruned trial's value is over fewer folds"
    assert ranks_after([early, late], 3) == {"late": 1, "early": 2}


def test_saved_time_is_what_the_left_out_folds_would_have_taken() -> None:
    study = study_of("s", trial(0, 2.0), trial(1, 3.0, "pruned"))
    assert study.saved_seconds == pytest.approx(2 * 3.0)
    assert study.folds_trained == 4
