"""Photos that bench draws itself, written as other people's tools write them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.config.data import DataSettings
from bench.errors import BenchError
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.loading import load_faces

PARTS = ("snout", "leftear", "rightear", "tailbase")


@dataclass(frozen=True)
class Drawn:
    """A grey photo with a blob at each point: uint8 (height, width), float64 (K, 2) px from 0, centres at integers."""

    picture: np.ndarray
    points: np.ndarray


def draw_photo(seed: int, count: int = 5, size: tuple[int, int] = (200, 160), spread: float = 60.0) -> Drawn:
    """Blobs of 4 px around the middle of a photo of ``size`` (width, height)."""
    generator = np.random.default_rng(seed)
    width, height = size
    points = generator.uniform(-spread / 2, spread / 2, (count, 2)) + np.array([width, height]) / 2
    x, y = np.arange(width), np.arange(height)
    picture = np.full((height, width), 30.0)
    for across, down in points:
        picture += 120 * np.exp(-((x - across) ** 2) / 32) * np.exp(-((y[:, None] - down) ** 2) / 32)
    picture += generator.normal(0, 2, picture.shape)
    return Drawn(np.clip(picture, 0, 255).astype(np.uint8), points)


def draw_photos(number: int, count: int = 5, **how: Any) -> list[Drawn]:
    """Photos of seeds from 0."""
    return [draw_photo(seed, count, **how) for seed in range(number)]


def pts_text(points: np.ndarray, *, header: bool = True) -> str:
    """Points counted from 0 as a ``.pts`` file, which counts from 1."""
    lines = [f"{x + 1:.6f} {y + 1:.6f}" for x, y in points]
    return "\n".join(["version: 1", f"n_points:  {len(points)}", "{", *lines, "}"] if header else lines) + "\n"


def write_pts(
    folder: Path, photos: Sequence[Drawn], names: Sequence[str] | None = None, *, header: bool = True
) -> Path:
    """``NAME.png`` and ``NAME.pts``, in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, photo in enumerate(photos):
        name = names[number] if names is not None else f"face{number:03d}"
        Image.fromarray(photo.picture).save(folder / f"{name}.png")
        (folder / f"{name}.pts").write_text(pts_text(photo.points, header=header))
    return folder


def coco_document(photos: Sequence[Drawn], names: Sequence[str] = ()) -> dict[str, Any]:
    """One annotation for each photo, its box around the points."""
    images, annotations = [], []
    for number, photo in enumerate(photos):
        height, width = photo.picture.shape[:2]
        images.append({"id": number, "file_name": f"photo{number:03d}.png", "width": width, "height": height})
        (left, top), (right, bottom) = photo.points.min(axis=0), photo.points.max(axis=0)
        flat = [value for x, y in photo.points for value in (float(x), float(y), 2)]
        annotations.append(
            {
                "id": 100 + number,
                "image_id": number,
                "category_id": 1,
                "iscrowd": 0,
                "keypoints": flat,
                "num_keypoints": len(photo.points),
                "bbox": [float(left), float(top), float(right - left), float(bottom - top)],
            }
        )
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "face", "keypoints": list(names)}],
    }


def write_coco(folder: Path, photos: Sequence[Drawn], document: dict[str, Any]) -> Path:
    """The pictures of :func:`coco_document` and ``labels.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, photo in enumerate(photos):
        Image.fromarray(photo.picture).save(folder / f"photo{number:03d}.png")
    path = folder / "labels.json"
    path.write_text(json.dumps(document))
    return path


def write_deeplabcut(folder: Path, photos: Sequence[Drawn], parts: Sequence[str], video: str = "video1") -> Path:
    """A project with one video's frames."""
    frames = folder / "labeled-data" / video
    frames.mkdir(parents=True, exist_ok=True)
    lines = [["scorer", *["ann"] * 2 * len(parts)], ["bodyparts", *(part for part in parts for _ in "xy")]]
    lines.append(["coords", *["x", "y"] * len(parts)])
    for number, photo in enumerate(photos):
        name = f"img{number:03d}.png"
        Image.fromarray(photo.picture).save(frames / name)
        cells = ["" if np.isnan(value) else repr(float(value)) for value in photo.points.ravel()]
        lines.append([f"labeled-data/{video}/{name}", *cells])
    (frames / "CollectedData_ann.csv").write_text("\n".join(",".join(line) for line in lines) + "\n")
    (folder / "config.yaml").write_text("scorer: ann\nbodyparts:\n" + "".join(f"- {part}\n" for part in parts))
    return folder


def centroids(picture: np.ndarray, points: np.ndarray, reach: int = 12) -> np.ndarray:
    """Where the blobs are that stand near ``points``: brightness-weighted means above the ground, float64 (K, 2)."""
    found = []
    for x, y in points:
        left, top = round(float(x)) - reach, round(float(y)) - reach
        window = picture[top : top + 2 * reach + 1, left : left + 2 * reach + 1].astype(np.float64)
        weights = np.clip(window - np.median(picture) - 12, 0, None)
        down, across = np.mgrid[: window.shape[0], : window.shape[1]]
        found.append([(weights * across).sum() / weights.sum() + left, (weights * down).sum() / weights.sum() + top])
    return np.array(found)


def read(path: Path, groups: str = "none", **told: Any) -> FaceSet:
    """The faces of ``path``, under these settings."""
    return load_faces(FaceSource(path, groups, DataSettings(**told)))


def refusal(path: Path, **told: Any) -> str:
    """The one line by which ``path`` is refused."""
    with pytest.raises(BenchError) as refused:
        read(path, **told)
    text = str(refused.value)
    assert "\n" not in text
    assert ";" in text or "," in text  # what to do
    return text
