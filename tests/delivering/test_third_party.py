"""A package of somebody else's, built and installed, is found, checked and run with no change here."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.conftest import PROJECT, write_faces_csv

PYPROJECT = """
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "their-nets"
version = "1.0"

[project.entry-points."bench.architectures"]
their_net = "their_nets:TheirNet"
"""

SOURCE = '''
from torch import nn


class TheirNet(nn.Module):
    """A network from another package."""

    recipe = {"epochs": 2}

    def __init__(self, *, width: int = 8) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 5, stride=4, padding=2), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(),
        )
        self.head = nn.Linear(2 * width * 12 * 12, 30)

    def forward(self, pictures):
        return self.head(self.body(pictures).flatten(1))
'''


@pytest.mark.slow
def test_a_package_in_a_fresh_environment(tmp_path: Path) -> None:
    package = tmp_path / "their_nets"
    package.mkdir()
    (package / "pyproject.toml").write_text(PYPROJECT)
    (package / "their_nets.py").write_text(SOURCE)
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    # The big libraries of this environment are lent, not installed again: hundreds of megabytes would say nothing more.
    site = Path(sysconfig.get_path("purelib", vars={"base": str(environment), "platbase": str(environment)}))
    (site / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n{PROJECT}\n")
    call(python, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet", str(package))
    assert "their_net" in call(python, "-m", "bench", "models", cwd=tmp_path)
    assert "keeps the contract" in call(python, "-m", "bench", "check", "their_net", cwd=tmp_path)
    faces = write_faces_csv(tmp_path / "faces.csv")
    options = ("--data", str(faces), "--groups", "people.csv", "--folds", "2", "--epochs", "1", "--no-latency")
    assert "their_net" in call(python, "-m", "bench", "run", "--models", "their_net", *options, cwd=tmp_path)
    assert "their_net" not in call(Path(sys.executable), "-m", "bench", "models", cwd=tmp_path)


def call(python: Path, *arguments: str, cwd: Path | None = None) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    if python == Path(sys.executable):
        environment["PYTHONPATH"] = str(PROJECT)
    else:
        environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [str(python), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout
