"""kill -9 at random moments, of one process and of three: nothing lost, nothing twice, nothing left running."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from bench.tuning import ownership
from bench.tuning.journal import open_storage
from tests.conftest import PROJECT, bench_environment

ASKED = 24
FOLD_S = 0.08
KILLS = 10

Process = subprocess.Popen[str]


def start(out: Path, url: str) -> Process:
    """A process that has joined the study and is searching."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.tuning.rehearsal", str(out), url, str(ASKED), str(FOLD_S)],
        cwd=PROJECT,
        env=bench_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: Process) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def finish(process: Process) -> None:
    process.communicate(timeout=240)
    assert process.returncode == 0


def trials_of(out: Path, url: str) -> list[FrozenTrial]:
    storage = open_storage(out, None if url == "journal" else url)
    trials = optuna.load_study(study_name="rehearsal", storage=storage).get_trials()
    if isinstance(storage, optuna.storages.RDBStorage):
        storage.remove_session()
        storage.engine.dispose()
    return trials


def check(out: Path, url: str) -> None:
    """Exactly the asked trials, each trained once to its end; every interrupted one tried again; none running."""
    trials = trials_of(out, url)
    counted = [trial for trial in trials if ownership.counts(trial)]
    assert len(counted) == ASKED
    assert not [trial for trial in trials if trial.state == TrialState.RUNNING]
    ended = Counter(int(line.split()[0]) for line in (out / "evaluations.txt").read_text().splitlines())
    assert max(ended.values()) == 1, "a trial was evaluated twice"
    uncounted = {trial.number for trial in trials} - {trial.number for trial in counted}
    assert not {number for number in ended if number in uncounted}, "a trial was told and yet not counted"
    tasks = Counter(trial.user_attrs.get("task") for trial in counted)
    del tasks[None]
    assert set(tasks.values()) <= {1}, "one interrupted trial was tried again twice"
    interrupted = [trial for trial in trials if trial.user_attrs.get("uncounted") == "interrupted"]
    known = {trial.user_attrs.get("task") for trial in trials}
    assert all(f"retry:{trial.number}" in known for trial in interrupted), "an interrupted trial was not tried again"
    defaults = [trial for trial in counted if trial.user_attrs.get(ownership.DEFAULTS)]
    assert [trial.state for trial in defaults] == [TrialState.COMPLETE]


def kill_ten_times(out: Path, url: str, seed: int) -> None:
    moments = random.Random(seed)
    for _ in range(KILLS):
        process = start(out, url)
        time.sleep(moments.uniform(0.0, 0.9))
        kill(process)
    finish(start(out, url))
    check(out, url)


def kill_among_three(out: Path, url: str, seed: int) -> None:
    moments = random.Random(seed)
    alive = [start(out, url) for _ in range(3)]
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.0, 0.4))
        kill(alive.pop(moments.randrange(3)))
        alive.append(start(out, url))
    for process in alive:
        finish(process)
    check(out, url)


@pytest.mark.slow
def test_one_process_killed_ten_times(tmp_path: Path) -> None:
    kill_ten_times(tmp_path, "journal", 1)


@pytest.mark.slow
def test_three_processes_on_one_journal_killed_ten_times(tmp_path: Path) -> None:
    kill_among_three(tmp_path, "journal", 2)


@pytest.mark.slow
def test_sqlite_killed_ten_times(tmp_path: Path) -> None:
    kill_ten_times(tmp_path, f"sqlite:///{tmp_path / 'studies.db'}", 3)


@pytest.fixture
def postgresql() -> Iterator[str]:
    """A server of our own from Debian's package, on a socket in a temporary folder."""
    initdb, postgres = find_server("initdb"), find_server("postgres")
    if initdb is None or postgres is None:
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="bench-pg-") as name:
        yield from serve(Path(name), initdb, postgres)


def serve(folder: Path, initdb: str, postgres: str) -> Iterator[str]:
    """The URL of a server whose files are all in ``folder``."""
    user = unprivileged_user(folder)
    arguments = {"user": user} if user is not None else {}
    data = folder / "data"
    subprocess.run(
        [initdb, "-D", data, "-U", "tuner", "-A", "trust", "--no-sync"], check=True, capture_output=True, **arguments
    )
    server = subprocess.Popen(
        [postgres, "-D", data, "-k", folder, "-c", "listen_addresses="],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **arguments,
    )
    try:
        wait_for(folder / ".s.PGSQL.5432")
        yield f"postgresql://tuner@/postgres?host={folder}"
    finally:
        server.send_signal(signal.SIGINT)  # its fast shutdown; SIGTERM waits until all clients have left
        server.wait()


def find_server(program: str) -> str | None:
    """Debian keeps server programs off the PATH."""
    installed = sorted(str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    return installed[-1] if installed else shutil.which(program)


def unprivileged_user(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root; then the package's own user owns the folder and the server."""
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, "postgres")
    return "postgres"


def wait_for(socket: Path) -> None:
    deadline = time.monotonic() + 30
    while not socket.exists():
        assert time.monotonic() < deadline, "PostgreSQL did not start"
        time.sleep(0.1)
    time.sleep(0.5)


@pytest.mark.slow
def test_postgresql_killed_ten_times(tmp_path: Path, postgresql: str) -> None:
    kill_ten_times(tmp_path, postgresql, 4)


@pytest.mark.slow
def test_three_processes_on_postgresql_killed_ten_times(tmp_path: Path, postgresql: str) -> None:
    kill_among_three(tmp_path, postgresql, 5)
