"""Imports every command module, which registers itself on ``app``. None may import torch or pandas at its top."""

from bench.cli import choose, compare, data, export, fit, latency, models, predict, report, run, synth, tune

__all__ = [
    "choose",
    "compare",
    "data",
    "export",
    "fit",
    "latency",
    "models",
    "predict",
    "report",
    "run",
    "synth",
    "tune",
]
