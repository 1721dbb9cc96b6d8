"""Imports every command module, which registers itself on ``app``. None may import torch or pandas at its top."""

from bench.cli import (
    check,
    choose,
    compare,
    convert,
    data,
    export,
    fit,
    latency,
    merge,
    models,
    new,
    predict,
    report,
    run,
    synth,
    tune,
)

MODULES = (
    check,
    choose,
    compare,
    convert,
    data,
    export,
    fit,
    latency,
    merge,
    models,
    new,
    predict,
    report,
    run,
    synth,
    tune,
)
