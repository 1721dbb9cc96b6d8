"""``bench new``: a network to start from, with a test that passes, and nothing written elsewhere."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.delivering.skeleton import reference
from tests.conftest import bench_environment
from tests.delivering.conftest import Bench
from tests.delivering.test_contract import problems


def test_the_skeleton_keeps_the_contract(bench: Bench, tmp_path: Path) -> None:
    done = bench("new", "my_net")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my_net.py", "test_my_net.py"]
    assert "bench check my_net.py:MyNet" in done.stdout
    assert problems("my_net.py:MyNet") == {}


def test_nothing_is_overwritten(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "test_my_net.py").write_text("mine")
    done = bench("new", "my_net")
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["test_my_net.py"]


@pytest.mark.parametrize(
    "name", ["../../x", "a/b", "my net", "MyNet", "class", "none", "_", "_1", "1net", "", "my_net.py", "nét"]
)
def test_names_that_cannot_be_files_and_classes(bench: Bench, tmp_path: Path, name: str) -> None:
    done = bench("new", name)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.parent.rglob("x.py"))
    assert not list(tmp_path.iterdir())


def test_what_was_written_is_checked_by_its_short_name(bench: Bench, tmp_path: Path) -> None:
    bench("new", "my_net")
    assert reference("my_net", tmp_path) == "my_net.py:MyNet"
    (tmp_path / "plain_cnn.py").touch()
    assert [reference(name, tmp_path) for name in ("plain_cnn", "other", "../my_net")] == [
        "plain_cnn",
        "other",
        "../my_net",
    ]
    (tmp_path / "my_net.py").write_text("class MyNet: pass")  # ends at the first check: only the name matters here
    done = bench("check", "my_net")
    assert done.returncode == 1
    assert "my_net.py:MyNet: 8 of 8 checks failed" in done.stdout


@pytest.mark.slow
def test_the_skeletons_own_test_passes(bench: Bench, tmp_path: Path) -> None:
    bench("new", "my_net")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test_my_net.py"],
        cwd=tmp_path,
        env=bench_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout
