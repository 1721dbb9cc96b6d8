"""Points move with the picture, and left and right change names in a mirror."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config.recipe import Recipe, mirror_of
from bench.scheme import SEED_SCHEME
from bench.training.augmentation import Augmenter

PARTNERS = mirror_of(SEED_SCHEME)
GEOMETRY = Recipe(rotation_degrees=20, scale_fraction=0.2, shift_px=8, brightness=0, contrast=0)


def blob(x: float, y: float) -> torch.Tensor:
    grid = torch.arange(96.0)
    column = torch.exp(-((grid - x) ** 2) / 8)
    row = torch.exp(-((grid - y) ** 2) / 8)
    return 255 * row[:, None] * column[None, :]


@settings(deadline=None, max_examples=40)
@given(st.floats(30, 66), st.floats(30, 66), st.integers(0, 1000), st.booleans())
def test_a_bright_spot_and_its_label_stay_together(x: float, y: float, seed: int, mirrored: bool) -> None:
    augment = Augmenter(GEOMETRY, SEED_SCHEME, torch.Generator().manual_seed(seed), "cpu")
    pictures = blob(x, y)[None, None]
    targets = SEED_SCHEME.to_normalised(torch.tensor([[[x, y]] * 15]))
    moved, points = augment(pictures, targets, torch.tensor([mirrored]), augment.draw(1))
    weights = moved[0, 0].double()
    grid = torch.arange(96.0, dtype=torch.float64)
    found = torch.stack([(weights.sum(0) * grid).sum(), (weights.sum(1) * grid).sum()]) / weights.sum()
    assert torch.allclose(found.float(), SEED_SCHEME.to_pixels(points)[0, 0], atol=0.15)


def test_a_mirror_swaps_the_names() -> None:
    recipe = Recipe(rotation_degrees=0, scale_fraction=0, shift_px=0, brightness=0, contrast=0)
    augment = Augmenter(recipe, SEED_SCHEME, torch.Generator().manual_seed(0), "cpu")
    pixels = torch.from_numpy(np.random.default_rng(0).uniform(10, 80, size=(2, 15, 2)).astype(np.float32))
    targets, mirrored = SEED_SCHEME.to_normalised(pixels), torch.tensor([True, False])
    _, points = augment(torch.zeros(2, 1, 96, 96), targets, mirrored, augment.draw(2))
    back = SEED_SCHEME.to_pixels(points)
    assert torch.allclose(back[1], pixels[1], atol=1e-4)
    expected = pixels[0, list(PARTNERS)] * torch.tensor([-1.0, 1.0]) + torch.tensor([95.0, 0.0])
    assert torch.allclose(back[0], expected, atol=1e-4)


def test_unlabelled_points_stay_unlabelled_and_alone() -> None:
    augment = Augmenter(GEOMETRY, SEED_SCHEME, torch.Generator().manual_seed(0), "cpu")
    targets = torch.zeros(3, 15, 2)
    targets[:, 0] = float("nan")
    _, points = augment(torch.zeros(3, 1, 96, 96), targets, torch.tensor([True, False, True]), augment.draw(3))
    missing = ~torch.isfinite(points).all(-1)
    assert missing.sum(1).tolist() == [1, 1, 1]
    assert missing[0, PARTNERS[0]]
    assert missing[1, 0]


def test_nothing_asked_nothing_changed() -> None:
    still = Recipe(flip=False, rotation_degrees=0, scale_fraction=0, shift_px=0, brightness=0, contrast=0)
    pictures = torch.rand(2, 1, 96, 96) * 255
    augment = Augmenter(still, SEED_SCHEME, torch.Generator(), "cpu")
    moved, points = augment(pictures, torch.zeros(2, 15, 2), torch.zeros(2, dtype=torch.bool), augment.draw(2))
    assert torch.equal(moved, pictures)
    assert torch.equal(points, torch.zeros(2, 15, 2))
