"""Fixtures that several rooms share: small files in the users' format, and the command as a real process."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.scheme import SEED_SCHEME, Scheme

PROJECT = Path(__file__).parent.parent

RunBench = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the user's cache folder."""
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def ctrl_c_heeded() -> Iterator[None]:
    """A shell starts background jobs, and so tests when run there and what they start, with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def draw_rows(rows: int, seed: int = 0, scheme: Scheme = SEED_SCHEME) -> tuple[np.ndarray, np.ndarray]:
    """Learnable stand-ins for faces: a bright blob at each keypoint. uint8 (n, side, side[, 3]), float32 (n, K, 2) px.

    In colour the blobs fade from red to blue.
    """
    generator = np.random.default_rng(seed)
    side, points, part = scheme.side_px, scheme.keypoints, scheme.side_px / SEED_SCHEME.side_px
    base = generator.uniform(20 * part, 75 * part, size=(points, 2))
    keypoints = base + generator.normal(0, 4 * part, size=(rows, 1, 2))
    keypoints = keypoints + generator.normal(0, part, size=(rows, points, 2))
    grid = np.arange(side)
    images = np.full((rows, side, side), 40.0)
    for point in range(points):
        along_x = np.exp(-((grid - keypoints[:, point, :1]) ** 2) / 8)
        along_y = np.exp(-((grid - keypoints[:, point, 1:]) ** 2) / 8)
        images += 150 * along_y[:, :, None] * along_x[:, None, :]
    images += generator.normal(0, 5, size=images.shape)
    images = np.clip(images, 0, 255)
    if scheme.channels == 3:
        images = images[..., None] * [1.0, 0.8, 0.6]
    return images.astype(np.uint8), keypoints.astype(np.float32)


def write_faces_csv(path: Path, rows: int = 40, groups: int = 10, seed: int = 0, scheme: Scheme = SEED_SCHEME) -> Path:
    """A file in the users' format, and ``people.csv`` with ``groups`` people beside it."""
    images, keypoints = draw_rows(rows, seed, scheme)
    lines = [",".join([*scheme.flat_names, "Image"])]
    for image, points in zip(images, keypoints, strict=True):
        coordinates = ",".join(f"{value:.4f}" for value in points.ravel())
        lines.append(f"{coordinates},{' '.join(map(str, image.ravel()))}")
    path.write_text("\n".join(lines) + "\n")
    people = ["person", *(str(row % groups) for row in range(rows))]
    (path.parent / "people.csv").write_text("\n".join(people) + "\n")
    return path


@pytest.fixture
def faces_csv(tmp_path: Path) -> Path:
    """Forty drawn rows of ten people; groups in ``people.csv`` beside the file."""
    return write_faces_csv(tmp_path / "faces.csv")


@pytest.fixture
def run_bench(tmp_path: Path) -> RunBench:
    """Call ``run_bench("run", "--quick", ...)``: the real command in ``tmp_path``, one thread, output captured."""

    def call(*arguments: str, timeout: float = 300, check: bool = False) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            bench_command(arguments),
            cwd=tmp_path,
            env=bench_environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=check,
        )

    return call


def bench_command(arguments: Sequence[str]) -> list[str]:
    """The command line that starts this checkout's bench."""
    return [sys.executable, "-m", "bench", *arguments]


def bench_environment() -> dict[str, str]:
    """The environment of a bench process in tests: this checkout first, one thread."""
    path = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
