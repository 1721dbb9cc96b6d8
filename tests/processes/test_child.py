import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from bench.processes.child import ChildProcess

ECHO = """
    import os, sys
    from bench.processes.child import serve

    def conversation(connection):
        while True:
            word = connection.recv()
            if word == "die":
                os.kill(os.getpid(), 9)
            if word == "leave":
                sys.exit(3)
            print("chatter")
            connection.send((word, os.environ["OMP_NUM_THREADS"]))

    if __name__ == "__main__":
        serve(sys.argv[1], conversation)
"""


@pytest.fixture
def echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "echo_child.py").write_text(textwrap.dedent(ECHO))
    monkeypatch.syspath_prepend(str(tmp_path))
    return "echo_child"


def test_answers_with_its_threads_pinned(echo: str) -> None:
    child = ChildProcess(echo, threads=3)
    try:
        connection = child.started()
        connection.send("hello")
        assert connection.recv() == ("hello", "3")
        assert child.started() is connection
    finally:
        child.close()


@pytest.mark.parametrize(("word", "reason"), [("die", "SIGKILL"), ("leave", "exit code 3")])
def test_a_dead_child_says_why_and_the_next_one_is_fresh(echo: str, word: str, reason: str) -> None:
    child = ChildProcess(echo)
    try:
        connection = child.started()
        first = child.pid
        connection.send(word)
        with pytest.raises((EOFError, ConnectionError)):
            connection.recv()
        assert reason in child.why_it_ended()
        child.started().send("again")
        assert child.pid != first
        assert child.started().recv() == ("again", "1")
    finally:
        child.close()


def test_a_child_that_cannot_start_is_an_error() -> None:
    with pytest.raises(ConnectionError, match="did not start"):
        ChildProcess("no_such_module_anywhere").started()


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_the_child_dies_with_its_parent(echo: str) -> None:
    program = (
        "import sys, time; from bench.processes.child import ChildProcess; "
        f"child = ChildProcess({echo!r}); child.started(); print(child.pid, flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.kill()
    deadline = time.monotonic() + 10
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
