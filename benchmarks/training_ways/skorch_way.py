"""skorch's regressor in scikit-learn's ``cross_validate``, with the folds given; everything else its default."""

import time
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import cross_validate
from skorch import NeuralNetRegressor

from benchmarks.training_ways.spec import LEARNING_RATE, Outcome, Spec, build, serve


def work(spec: Spec) -> Outcome:
    """One estimator, cross-validated; ``workers`` becomes ``n_jobs``."""
    with np.load(spec.faces) as arrays:
        pictures = arrays["images"].astype(np.float32)[:, None] / 255
        targets = ((arrays["keypoints"].reshape(-1, 30) + 0.5 - 48) / 48).astype(np.float32)
        fold_of_row = arrays["fold_of_row"]
    splits = [(np.flatnonzero(fold_of_row != fold), np.flatnonzero(fold_of_row == fold)) for fold in spec.folds]
    torch.manual_seed(spec.seed)
    net = NeuralNetRegressor(
        build,
        module__spec=spec,
        criterion=torch.nn.MSELoss,
        optimizer=torch.optim.Adam,
        lr=LEARNING_RATE,
        batch_size=spec.batch_size,
        max_epochs=spec.epochs,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    jobs: dict[str, Any] = {"n_jobs": spec.workers} if spec.workers > 1 else {}
    started = time.perf_counter()
    found = cross_validate(net, pictures, targets, cv=splits, scoring="neg_mean_squared_error", **jobs)
    seconds = time.perf_counter() - started
    if not np.isfinite(found["test_score"]).all():
        raise RuntimeError("a fold failed")
    coordinates = [targets[scored].size for _, scored in splits]
    # A unit of the normalised frame is 48 px.
    squared = [-float(score) * 48**2 * count for score, count in zip(found["test_score"], coordinates, strict=True)]
    images = sum(len(train) for train, _ in splits) * spec.epochs
    return Outcome(seconds, images, squared, coordinates)


if __name__ == "__main__":
    serve(work)
