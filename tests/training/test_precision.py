"""Only devices that are there are taken."""

import pytest
import torch

from bench.errors import ConfigError
from bench.training.precision import resolve_device


@pytest.mark.parametrize("asked", ["cpu:x", "cpu:0", "cuda:2", "cuda:-1", "cuda:", "cuda:01", "mps", "tpu"])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert [resolve_device(name) for name in ("cpu", "cuda", "cuda:1")] == ["cpu", "cuda", "cuda:1"]
    with pytest.raises(
        ConfigError, match=f"--device {asked}: not available here; available: cpu, cuda, cuda:0, cuda:1"
    ):
        resolve_device(asked)
