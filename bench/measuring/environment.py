"""Where something was measured: machine, software, commit and load, without anything that names a person or a place."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from bench.processes.cores import usable_cores
from bench.processes.servant import THREAD_VARIABLES
from bench.records.keys import PROJECT, digest

PROJECT_ROOT = PROJECT.resolve()

TELLING_FLAGS = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni",
    "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "asimd", "asimddp", "bf16", "i8mm", "sve",
)  # fmt: skip
"""Processor flags that choose kernels in torch's libraries; the other hundred say nothing about speed."""

TELLING_VARIABLES = (*THREAD_VARIABLES, "KMP_AFFINITY", "OMP_PROC_BIND")

PACKAGES = ("torch", "timm", "numpy", "onnxruntime")

LIKE_MACHINES = ("processor", "flags", "cores", "cores_usable", "memory_gb", "system", "torch")
"""What two records must share before their latencies may stand in one column; the device is a column of its own."""


def describe_environment(device: str = "cpu") -> dict[str, Any]:
    """The circumstances of a measurement as plain JSON values; None where the system does not tell.

    Args:
        device: ``cpu`` or a torch device; an accelerator's name is looked up only when it is asked for, because
            that imports torch.

    Memory is in GB (10^9 bytes); ``load_1min`` counts the runnable processes of the last minute, so a reader can see
    whether a timing had company.
    """
    commit, dirty = _commit()
    return {
        "processor": _processor(),
        "flags": _flags(),
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
        "cores_logical": psutil.cpu_count() or 1,
        "cores_usable": usable_cores(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "os": platform.platform(terse=True),
        "accelerator": _accelerator(device),
        "python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
        "thread_variables": {name: os.environ[name] for name in TELLING_VARIABLES if name in os.environ},
        "commit": commit,
        "dirty": dirty,
        "load_1min": round(psutil.getloadavg()[0], 2),
    }


def machine_digest(environment: Mapping[str, Any]) -> str:
    """Names a machine by what decides its speed; load, commit and the Python version are left out.

    Memory counts in whole GB: what a kernel keeps for itself changes with its version.
    """
    facts = {name: environment.get(name) for name in LIKE_MACHINES}
    if facts["memory_gb"] is not None:
        facts["memory_gb"] = round(facts["memory_gb"])
    return digest(facts)


def _processor() -> str:
    return _cpuinfo("model name", "Model") or platform.processor() or platform.machine()


def _flags() -> list[str]:
    present = _cpuinfo("flags", "Features").split()
    return [flag for flag in TELLING_FLAGS if flag in present]


def _cpuinfo(*names: str) -> str:
    """What Linux says of the first processor under one of these names, which differ by architecture; else nothing."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in names:
                return value.strip()
    return ""


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _accelerator(device: str) -> str | None:
    if not device.startswith("cuda"):
        return None if device == "cpu" else device
    import torch

    return torch.cuda.get_device_name(torch.device(device)) if torch.cuda.is_available() else None


def _commit() -> tuple[str | None, bool | None]:
    """Commit and dirty flag of this project's own checkout; None, None when it runs from an installed copy."""
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != PROJECT_ROOT:
        return None, None  # an installed copy inside somebody else's repository is not that repository's commit
    changed = _git("status", "--porcelain", "--", "bench", "architectures", "pyproject.toml")
    return _git("rev-parse", "HEAD"), None if changed is None else bool(changed)


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(PROJECT_ROOT), *words], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
