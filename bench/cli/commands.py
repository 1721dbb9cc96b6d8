"""Imports every command module, which registers itself on ``app``. None may import torch or pandas at its top."""

from bench.cli import latency, models, report, run, tune

__all__ = ["latency", "models", "report", "run", "tune"]
