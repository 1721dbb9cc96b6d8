"""The loop that tutorials write: a Dataset of decoded rows, a DataLoader, float32, eager, Adam, mean squared error."""

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.training_ways.spec import LEARNING_RATE, Outcome, Spec, build, load_fold, serve, squared_errors


class Faces(Dataset[tuple[Tensor, Tensor]]):
    """Row by row: a float picture in [0, 1] and 30 coordinates in [-1, 1]."""

    def __init__(self, images: NDArray[np.uint8], keypoints: NDArray[np.float32]) -> None:
        self.images = images.astype(np.float32) / 255
        self.keypoints = (keypoints.reshape(-1, 30) + 0.5 - 48) / 48

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self.images[row])[None], torch.from_numpy(self.keypoints[row])


def to_pixels(normalised: Tensor) -> NDArray[np.float32]:
    """(n, 30) in [-1, 1] -> (n, 15, 2) pixels."""
    return (normalised.numpy() * 48 + 48 - 0.5).reshape(-1, 15, 2).astype(np.float32)


def train(module: nn.Module, data: Faces, spec: Spec) -> None:
    """Epoch after epoch."""
    loader = DataLoader(data, batch_size=spec.batch_size, shuffle=True)
    module.to(spec.device)
    optimiser = torch.optim.Adam(module.parameters(), lr=LEARNING_RATE)
    criterion = nn.MSELoss()
    for _ in range(spec.epochs):
        module.train()
        running = 0.0
        for pictures, targets in loader:
            optimiser.zero_grad()
            loss = criterion(module(pictures.to(spec.device)), targets.to(spec.device))
            loss.backward()
            optimiser.step()
            running += loss.item()


def predict(module: nn.Module, data: Faces, spec: Spec) -> NDArray[np.float32]:
    """Pixels (n, 15, 2)."""
    module.to(spec.device).eval()
    with torch.no_grad():
        parts = [module(pictures.to(spec.device)) for pictures, _ in DataLoader(data, batch_size=spec.batch_size)]
    return to_pixels(torch.cat(parts).cpu())


def work(spec: Spec) -> Outcome:
    """Fold after fold, with as many threads as torch takes by itself."""
    folds = [load_fold(spec, fold) for fold in spec.folds]
    squared, images, coordinates = [], 0, []
    started = time.perf_counter()
    for number, fold in enumerate(folds):
        torch.manual_seed(spec.seed + number)
        module = build(spec)
        train(module, Faces(fold.train_images, fold.train_keypoints), spec)
        predicted = predict(module, Faces(fold.scored_images, fold.scored_keypoints), spec)
        squared.append(squared_errors(predicted, fold.scored_keypoints))
        images += len(fold.train_images) * spec.epochs
        coordinates.append(fold.scored_keypoints.size)
    return Outcome(time.perf_counter() - started, images, squared, coordinates)


if __name__ == "__main__":
    serve(work)
