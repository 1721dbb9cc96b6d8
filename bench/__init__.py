"""bench: which network finds the points? ``load_faces``, ``run``, ``leaderboard`` are its commands."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.api import leaderboard, load_faces, run

__all__ = ["leaderboard", "load_faces", "run"]


def __getattr__(name: str) -> Any:
    # Loaded on first use, so that `bench --help` does not wait for pandas and torch.
    if name in __all__:
        from bench import api

        return getattr(api, name)
    raise AttributeError(f"module 'bench' has no attribute '{name}'")
