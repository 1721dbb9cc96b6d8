"""The journal mends its torn end and refuses damage elsewhere."""

import re
from pathlib import Path

import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from bench.errors import ConfigError, RecordError
from bench.tuning.journal import journal_path, open_storage, storage_trouble_told
from tests.conftest import RunBench


def add_trials(out: Path, count: int) -> optuna.Study:
    study = optuna.create_study(storage=open_storage(out, None), study_name="one", load_if_exists=True)
    for _ in range(count):
        study.tell(study.ask({"x": optuna.distributions.FloatDistribution(0, 1)}), 1.0)
    return study


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(min_value=1, max_value=200))
def test_wherever_the_end_is_torn_the_next_writer_goes_on(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    out = tmp_path_factory.mktemp("torn")
    add_trials(out, 3)
    path = journal_path(out)
    path.write_bytes(path.read_bytes()[:-cut])
    add_trials(out, 2)
    trials = add_trials(out, 0).get_trials()
    assert 3 <= len(trials) <= 5
    assert sum(trial.value == 1.0 for trial in trials) >= 2


def test_a_line_torn_while_others_have_the_file_open_is_cut_before_they_write(tmp_path: Path) -> None:
    study = add_trials(tmp_path, 1)
    with journal_path(tmp_path).open("ab") as stream:
        stream.write(b'{"op_code":4,"worker_id":"gone","study_id')
    study.tell(study.ask({"x": optuna.distributions.FloatDistribution(0, 1)}), 2.0)
    assert [trial.value for trial in add_trials(tmp_path, 0).get_trials()] == [1.0, 2.0]


def test_a_last_line_of_rubbish_with_its_newline_is_cut_too(tmp_path: Path) -> None:
    add_trials(tmp_path, 1)
    with journal_path(tmp_path).open("ab") as stream:
        stream.write(b"\0" * 5000 + b"\n")
    assert len(add_trials(tmp_path, 1).get_trials()) == 2


def test_damage_in_the_middle_is_one_clear_line(tmp_path: Path) -> None:
    add_trials(tmp_path, 2)
    path = journal_path(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"{rubbish}\n", *lines[3:]]))
    with pytest.raises(RecordError, match=r"line 4 is damaged; .*`head -n 3`"):
        open_storage(tmp_path, None)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_is_told_with_its_file_or_costs_the_last_line(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    out = tmp_path_factory.mktemp("flipped")
    before = add_trials(out, 3).get_trials()
    path = journal_path(out)
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    try:
        after = add_trials(out, 0).get_trials()
    except RecordError as error:
        assert str(error).startswith(f"{path}: line ")
    else:
        assert after[:2] == before[:2]
        assert after[2] == before[2] or after[2].state == optuna.trial.TrialState.RUNNING


@pytest.mark.parametrize(
    ("written", "flipped"),
    [
        (b"FloatDistribution", b"FloatDist2ibution"),
        (b'"distribution"', b'"distributimn"'),
        (b'"op_code"', b'"op_cmde"'),
    ],
)
def test_damage_that_only_the_reader_of_a_study_meets_is_one_line_too(
    tmp_path: Path, written: bytes, flipped: bytes
) -> None:
    add_trials(tmp_path, 2)
    path = journal_path(tmp_path)
    bare = re.sub(rb',"seal":"\w+"', b"", path.read_bytes())  # as journals were before their lines had seals
    path.write_bytes(bare)
    assert len(add_trials(tmp_path, 0).get_trials()) == 2
    path.write_bytes(bare.replace(written, flipped, 1))
    with pytest.raises(RecordError, match=r"studies\.journal: line \d+ is damaged"):
        open_storage(tmp_path, None)
    assert path.read_bytes() == bare.replace(written, flipped, 1)


def test_a_damaged_journal_costs_the_report_its_search_alone(
    tmp_path: Path, faces_csv: Path, run_bench: RunBench
) -> None:
    small = ("--folds", "2", "--epochs", "1", "--groups", "people.csv", "--data", str(faces_csv), "--no-latency")
    assert run_bench("run", "--models", "plain_cnn", *small, "--set", "models.plain_cnn.width=4").returncode == 0
    out = tmp_path / "results"
    add_trials(out, 2)
    path = journal_path(out)
    path.write_bytes(path.read_bytes().replace(b'"op_code"', b'"op_cmde"', 1))
    (out / "leaderboard.md").unlink()
    assert run_bench("report").returncode == 0
    assert (out / "leaderboard.md").exists()
    search = ("tune", "--models", "plain_cnn", "--data", str(faces_csv), "--groups", "people.csv", "--trials", "1")
    for command in (("tune", "--show"), search):
        done = run_bench(*command)
        assert done.returncode == 2, done.stderr
        assert "studies.journal: line 1 is damaged" in done.stderr


def test_a_lock_left_by_a_killed_process_is_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.tuning.journal.LOCK_GRACE_S", 3)
    add_trials(tmp_path, 1)
    monkeypatch.chdir(tmp_path)
    add_trials(Path("results"), 1)
    path = journal_path(Path("results"))
    Path(f"{path}.lock").touch()
    assert len(add_trials(Path("results"), 1).get_trials()) == 2


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@host/db",
        "studies.db",
        "mysql://host/db?password=secret",
        "postgresql://me:secret@host:port/db?password=secret",
    ],
)
def test_another_kind_of_storage_is_refused_without_showing_a_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="--storage") as caught:
        open_storage(tmp_path, url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql:u:HUNTER2@h/d", "…"),
        ("postgresql//u:HUNTER2@h/d", "…"),
        ("postgresql://u:HUNTER2", "postgresql://…"),
        ("postgresql://u:p?HUNTER2@host/db", "postgresql://…"),
        ("postgresql://HUNTER2?p@host/db", "postgresql://…"),
        ("postgresql://u:HUNTER2@127.0.0.1:1/db", "postgresql://u@127.0.0.1"),
        ("postgresql://127.0.0.1:1/db?sslmode=HUNTER2", "postgresql://127.0.0.1"),
        ("postgresql://127.0.0.1:1/db?connect_timeout=HUN%54ER2", "postgresql://127.0.0.1"),
        ("mysql://u:HUNTER2@h/d?x=HUNTER2", "mysql://u@h"),
        ("HUNTER2@", "…"),
    ],
)
def test_of_a_storage_only_scheme_user_and_host_are_shown(tmp_path: Path, url: str, shown: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_storage(tmp_path, url)
    assert str(caught.value).startswith(f"--storage {shown}: ")
    assert "HUNTER2" not in str(caught.value)


def test_a_storage_that_fails_later_is_one_clear_line(tmp_path: Path) -> None:
    said = r"--out .*: cannot be written .No space left"
    with pytest.raises(RecordError, match=said), storage_trouble_told(tmp_path, None):
        raise OSError(28, "No space left on device")
    said, url = r"--storage postgresql://me@host: .*gone.*; run again", "postgresql://me:secret@host/db"
    with pytest.raises(RecordError, match=said), storage_trouble_told(tmp_path, url):
        raise OperationalError("SELECT 1", None, Exception("gone"))


def test_sqlite_takes_the_same_studies(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    study = optuna.create_study(storage=open_storage(tmp_path, url), study_name="one")
    study.tell(study.ask({"x": optuna.distributions.FloatDistribution(0, 1)}), 1.0)
    loaded = optuna.load_study(storage=open_storage(tmp_path, url), study_name="one")
    assert loaded.best_value == 1.0
