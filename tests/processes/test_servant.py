import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.errors import ModelError, ProcessError
from bench.processes.servant import Servant
from tests.conftest import PROJECT, RunBench, bench_environment


class Echo:
    """Lives in the child."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def threads_of(self, word: str, *, twice: bool = False) -> tuple[str, str]:
        print("chatter")  # noqa: T201
        self.words.append(word)
        return word * (1 + twice), os.environ["OMP_NUM_THREADS"]

    def all_words(self) -> list[str]:
        return self.words

    def end(self, how: str) -> None:
        if how == "die":
            os.kill(os.getpid(), 9)
        os._exit(3)

    def fork(self) -> int:
        child = os.fork()
        if child == 0:
            time.sleep(600)
            os._exit(0)
        return child

    def spawn(self, then_die: bool = False) -> int:
        child = subprocess.Popen(["sleep", "600"]).pid
        if then_die:
            Path("spawned").write_text(str(child))
            os.kill(os.getpid(), 9)
        return child

    def refuse(self, error: Exception) -> None:
        raise error

    def count(self, to: int, on_number: Any, pause_s: float = 0.0) -> int:
        for number in range(to):
            on_number(number, number**2)
            time.sleep(pause_s)
        return to


def test_answers_with_its_threads_pinned_and_lives_on() -> None:
    servant = Servant(Echo, threads=3)
    try:
        answer = servant.begin(Echo.threads_of, "hello")
        first = servant.pid
        assert answer.wait() == ("hello", "3")
        assert servant.begin(Echo.threads_of, "so", twice=True).wait(60) == ("soso", "3")
        assert servant.begin(Echo.all_words).wait() == ["hello", "so"]
        assert servant.pid == first
    finally:
        servant.close()


@pytest.mark.parametrize(("how", "reason"), [("die", "SIGKILL"), ("leave", "exit code 3")])
def test_a_dead_child_says_why_and_the_next_one_is_fresh(how: str, reason: str) -> None:
    servant = Servant(Echo)
    try:
        servant.begin(Echo.threads_of, "first").wait()
        first = servant.pid
        with pytest.raises(ProcessError, match=reason) as raised:
            servant.begin(Echo.end, how).wait()
        assert raised.value.cause == "killed"
        servant.begin(Echo.threads_of, "again").wait()
        assert servant.pid != first
        assert servant.begin(Echo.all_words).wait() == ["again"]
    finally:
        servant.close()


def test_what_the_child_raises_is_told_in_one_line_and_it_lives_on() -> None:
    servant = Servant(Echo)
    try:
        for error, told in (
            (ValueError("no\n  way"), "ValueError: no way"),
            (ModelError("in its own words"), "in its own words"),
            (EOFError("mine"), "EOFError: mine"),
        ):
            with pytest.raises(ProcessError) as raised:
                servant.begin(Echo.refuse, error).wait()
            assert (raised.value.cause, str(raised.value)) == ("raised", told)
        assert servant.begin(Echo.all_words).wait() == []
    finally:
        servant.close()


def test_a_function_among_the_arguments_is_called_here() -> None:
    servant, heard = Servant(Echo), []
    try:
        assert servant.begin(Echo.count, 3, lambda *numbers: heard.append(numbers)).wait() == 3
    finally:
        servant.close()
    assert heard == [(0, 0), (1, 1), (2, 4)]


def test_what_a_listener_raises_passes_through_and_ends_the_child() -> None:
    servant = Servant(Echo)

    def heard(*_: int) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        servant.begin(Echo.count, 3, heard).wait()
    assert servant.pid is None


def test_the_limit_holds_while_short_messages_stream() -> None:
    servant, heard = Servant(Echo), []
    servant.begin(Echo.all_words).wait()
    with pytest.raises(ProcessError, match=r"no answer to 'count' within 0\.5 s") as raised:
        servant.begin(Echo.count, 10_000, lambda *numbers: heard.append(numbers), 0.01).wait(limit_s=0.5)
    assert raised.value.cause == "timeout"
    assert heard
    assert servant.pid is None


def test_stop_ends_the_child() -> None:
    servant, stop = Servant(Echo), threading.Event()
    with pytest.raises(ProcessError, match="stopped"):
        servant.begin(Echo.count, 10_000, lambda *_: stop.set(), 0.01).wait(stop=stop)
    assert servant.pid is None


def test_a_child_that_ends_while_starting_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ProcessError, match="ended with exit code 1"):
        Servant(Echo).begin(Echo.all_words).wait()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(ProcessError, match=r"no worker process could be started .*No such file"):
        Servant(Echo).begin(Echo.all_words)


def test_more_than_a_pipe_holds_goes_both_ways() -> None:
    servant = Servant(Echo)
    try:
        answers = [servant.begin(Echo.threads_of, "x" * 10_000_000) for _ in range(2)]
        assert [len(answer.wait()[0]) for answer in answers] == [10_000_000] * 2
    finally:
        servant.close()


def test_what_a_hook_of_the_installation_prints_is_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('hello from a hook', end='')")
    monkeypatch.syspath_prepend(str(tmp_path))
    servant = Servant(Echo)
    try:
        assert servant.begin(Echo.all_words).wait(60) == []
    finally:
        servant.close()


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_the_child_dies_with_its_parent_and_no_main_guard_is_needed(tmp_path: Path) -> None:
    program = """
        import time
        from bench.processes.servant import Servant
        from tests.processes.test_servant import Echo

        servant = Servant(Echo)
        servant.begin(Echo.threads_of, "chatter must not be read as a number").wait()
        print(servant.pid, flush=True)
        time.sleep(60)
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(program))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), *filter(None, sys.path)])}
    command = [sys.executable, str(tmp_path / "script.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.kill()
    _wait_until_gone(child)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere nothing ends a stopped process")
@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_a_stopped_child_and_what_it_started_die_with_the_parent(tmp_path: Path, how: str, stopped: bool) -> None:
    program = f"""
        import time
        from bench.processes.servant import Servant
        from tests.processes.test_servant import Echo

        servant = Servant(Echo)
        print(servant.begin(Echo.{how}).wait(), servant.pid, flush=True)
        time.sleep(60)
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(program))
    command = [sys.executable, str(tmp_path / "script.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=bench_environment()) as parent:
        assert parent.stdout is not None
        family = [int(word) for word in parent.stdout.readline().split()]
        if stopped:
            os.kill(family[-1], signal.SIGSTOP)
        parent.kill()
    _wait_until_gone(*family)


@pytest.mark.skipif(os.name != "posix", reason="groups of processes")
def test_what_a_child_started_is_closed_with_it() -> None:
    servant = Servant(Echo)
    started = servant.begin(Echo.fork).wait(), servant.begin(Echo.spawn).wait()
    assert all(map(_alive, started))
    servant.close()
    _wait_until_gone(*started)


@pytest.mark.skipif(os.name != "posix", reason="groups of processes")
def test_what_a_child_started_ends_when_the_child_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    servant = Servant(Echo)
    with pytest.raises(ProcessError, match="SIGKILL"):
        servant.begin(Echo.spawn, then_die=True).wait()
    _wait_until_gone(int((tmp_path / "spawned").read_text()))


@pytest.mark.skipif(os.name != "posix", reason="groups of processes")
def test_a_guard_that_is_gone_is_no_error() -> None:
    servant = Servant(Echo)
    forked = servant.begin(Echo.fork).wait()
    (guard,) = (one for one in psutil.Process().children() if "dismissed" in " ".join(one.cmdline()))
    guard.kill()
    servant.close()
    _wait_until_gone(forked, guard.pid)


@pytest.mark.skipif(os.name != "posix", reason="TMPDIR")
def test_a_temporary_folder_of_any_length_will_do(tmp_path: Path) -> None:
    program = """
        from bench.processes.servant import Servant
        from tests.processes.test_servant import Echo

        servant = Servant(Echo)
        print(servant.begin(Echo.threads_of, "hello").wait()[0])
        servant.close()
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(program))
    temporary = tmp_path / ("a" * 120)  # the path of a socket may have 107 bytes
    temporary.mkdir()
    command = [sys.executable, str(tmp_path / "script.py")]
    environment = {**bench_environment(), "TMPDIR": str(temporary)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr
    assert not [*temporary.iterdir()]


PICKED_UP = "import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch(); raise ImportError('not this one')"


@pytest.mark.parametrize("arguments", [("models",), ("run", "--models", "plain_cnn", "--quick", "--data", "faces.csv")])
def test_nothing_is_imported_from_the_working_directory(
    run_bench: RunBench, tmp_path: Path, faces_csv: Path, arguments: tuple[str, ...]
) -> None:
    del faces_csv
    for name in ("secrets", "sitecustomize", "architectures", "yaml", "pandas"):
        (tmp_path / f"{name}.py").write_text(PICKED_UP)
    done = run_bench(*arguments)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("*.ran")) == []


def _wait_until_gone(*processes: int) -> None:
    deadline = time.monotonic() + 10
    while any(map(_alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_alive, processes))


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
