"""Imports every command module, which registers itself on ``app``. None may import torch or pandas at its top."""

from bench.cli import models, report, run

__all__ = ["models", "report", "run"]
