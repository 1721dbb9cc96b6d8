"""bench: which network finds the points? The functions below do what the commands do."""

from typing import TYPE_CHECKING, Any

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.api import choose, compare, export, fit, leaderboard, load_faces, predict, run, tune

    __version__: str

__all__ = [
    "BenchError",
    "__version__",
    "choose",
    "compare",
    "export",
    "fit",
    "leaderboard",
    "load_faces",
    "predict",
    "run",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("keypoint-bench")
    if name in __all__:
        # Loaded on first use, so that `bench --help` does not wait for pandas and torch.
        from bench import api

        return getattr(api, name)
    raise AttributeError(f"module 'bench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
