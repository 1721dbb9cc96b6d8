"""A network's key hashes whatever decides its numbers, and a record made by other code is known as such."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import architectures
from bench.config.settings import Config
from bench.records.keys import code_digest
from bench.records.schema import VariantFacts
from bench.running import sources
from bench.running.sources import GATE, TRAINER, is_of_earlier_code, network_code
from bench.running.variants import gate_variant, network_variant
from tests.conftest import bench_environment

PLAIN_CNN = architectures.get("plain_cnn")


def edited(original: Path, folder: Path, before: str, after: str) -> Path:
    """A copy of a file of bench with one change, at its own place under ``folder``."""
    copy = folder / "bench" / original.relative_to(sources.ROOM)
    copy.parent.mkdir(parents=True, exist_ok=True)
    text = original.read_text()
    assert before in text
    copy.write_text(text.replace(before, after) if before else text)
    return copy


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("torch.manual_seed(seed)", "torch.manual_seed(seed + 1)", False),
        ("    import torch\n", "    import torch  # the framework\n", True),
        ('"""Folds, inside', '"""Some folds, inside', True),
    ],
)
def test_the_worker_is_in_every_networks_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, same: bool
) -> None:
    loop, worker = TRAINER
    monkeypatch.setattr(sources, "TRAINER", (loop, edited(worker, tmp_path / "now", "", "")))
    digest = network_code(PLAIN_CNN).code_digest
    monkeypatch.setattr(sources, "TRAINER", (loop, edited(worker, tmp_path / "edited", before, after)))
    assert (network_code(PLAIN_CNN).code_digest == digest) is same


def test_what_seeds_is_read_and_what_judges_or_stores_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.records import keys

    read: list[str] = []
    whole = keys._read_module

    def noted(path: Path, modified_ns: int) -> Any:
        read.append(".".join(path.relative_to(keys.PROJECT).with_suffix("").parts))
        return whole(path, modified_ns)

    monkeypatch.setattr(keys, "_read_module", noted)
    network_code(PLAIN_CNN)
    assert {"bench.running.worker", "bench.running.task", "bench.training.loop", "bench.training.predictor",
            "bench.config.recipe", "bench.scheme", "architectures.plain_cnn"} <= set(read)  # fmt: skip
    assert not [name for name in read if name.startswith(("bench.records", "bench.faces", "bench.gates", "bench.cli"))]
    read.clear()
    code_digest(GATE)
    assert {"bench.gates", "bench.faces.thumbnails"} <= set(read)  # knn and ridge compare thumbnails
    assert "bench.training.loop" not in read


def test_records_of_other_code_are_told_from_those_of_the_present(tmp_path: Path) -> None:
    now = network_variant(Config(), "plain_cnn")
    assert now.source == "architectures.plain_cnn"
    assert not is_of_earlier_code("network", now)
    assert is_of_earlier_code("network", now.model_copy(update={"code_digest": "another"}))
    before_it_was_noted = VariantFacts.model_validate(now.model_dump(exclude={"source"}))
    assert is_of_earlier_code("network", before_it_was_noted)
    unfinished = tmp_path / "net.py"
    unfinished.write_text("def (")
    assert is_of_earlier_code("network", now.model_copy(update={"source": str(unfinished)}))
    elsewhere = now.model_copy(update={"source": "/nowhere/net.py", "code_digest": "another"})
    assert not is_of_earlier_code("network", elsewhere)
    assert not is_of_earlier_code("gate", gate_variant())
    assert is_of_earlier_code("gate", gate_variant().model_copy(update={"code_digest": "another"}))


def test_telling_loads_no_torch() -> None:
    code = (
        "import sys\nfrom bench.records.schema import VariantFacts\n"
        "from bench.running.sources import is_of_earlier_code\n"
        "old = VariantFacts(code_digest='x', source='architectures.plain_cnn')\n"
        "assert is_of_earlier_code('network', old)\nassert not {'torch', 'architectures'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=bench_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
