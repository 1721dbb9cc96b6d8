"""A small fitted network that the tests of this room share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import architectures
from bench.cli.main import main
from bench.config.recipe import Recipe
from bench.delivering.fitting import fitted_path
from bench.records.weight_facts import WeightsFacts, write_weights
from bench.scheme import SEED_SCHEME, Scheme, scheme_of_names


def write_fitted(
    path: Path, model: str = "plain_cnn", *, flip: bool = False, scheme: Scheme = SEED_SCHEME, **options: object
) -> Path:
    """Weights as ``bench fit`` writes them, from a network that was not trained."""
    torch.manual_seed(0)
    module = architectures.build(model, **scheme.dimensions, **options)
    facts = WeightsFacts(
        model=model,
        options=dict(options),
        recipe=Recipe(test_time_flip=flip).model_dump(mode="json"),
        dataset="faces.csv",
        fingerprint="0" * 16,
        scheme=scheme,
        train_rows=40,
        rows=40,
        seed=0,
        device="cpu",
        precision="float32",
        threads=1,
    )
    write_weights(path, module.state_dict(), facts)
    return path


MOUSE = scheme_of_names(("snout", "left_ear", "right_ear", "tailbase"), side_px=128, channels=3)
"""Four points in colour frames of 128x128."""


def write_plain(path: Path) -> Path:
    """A safetensors file that bench did not write."""
    save_file({"weight": torch.zeros(3)}, path)
    return path


@pytest.fixture
def fitted(tmp_path: Path) -> Path:
    """``results/fitted/plain_cnn...`` under ``tmp_path``."""
    return write_fitted(fitted_path(tmp_path / "results", "plain_cnn"))


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Call ``bench("predict", ...)`` in this process and in ``tmp_path``: quicker than a process each."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(arguments)
        captured = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Ended(left.value.code, captured.out, captured.err)

    return call


Bench = Callable[..., Ended]
