"""Where bench keeps what it can make again."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """``BENCH_CACHE_DIR``, else the user's cache folder of the system."""
    asked = os.environ.get("BENCH_CACHE_DIR")
    return Path(asked) if asked else Path(platformdirs.user_cache_dir("bench-keypoints"))
