"""A LightningModule and a Trainer per fold, without logger, checkpoints and bars; everything else its default."""

import logging
import time
import warnings

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks.training_ways.spec import LEARNING_RATE, Outcome, Spec, build, load_fold, serve, squared_errors
from benchmarks.training_ways.tutorial import Faces, predict


class Regressor(lightning.LightningModule):
    """The module with its loss and its optimiser."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.criterion = nn.MSELoss()

    def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
        """One batch's loss."""
        del number
        pictures, targets = batch
        loss: Tensor = self.criterion(self.module(pictures), targets)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam with its default rate."""
        return torch.optim.Adam(self.parameters(), lr=LEARNING_RATE)


def work(spec: Spec) -> Outcome:
    """Fold after fold."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    folds = [load_fold(spec, fold) for fold in spec.folds]
    squared, images, coordinates = [], 0, []
    started = time.perf_counter()
    for number, fold in enumerate(folds):
        lightning.seed_everything(spec.seed + number, verbose=False)
        regressor = Regressor(build(spec))
        loader = DataLoader(Faces(fold.train_images, fold.train_keypoints), batch_size=spec.batch_size, shuffle=True)
        trainer = lightning.Trainer(
            max_epochs=spec.epochs,
            accelerator="gpu" if spec.device == "cuda" else "cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(regressor, loader)
        predicted = predict(regressor.module, Faces(fold.scored_images, fold.scored_keypoints), spec)
        squared.append(squared_errors(predicted, fold.scored_keypoints))
        images += len(fold.train_images) * spec.epochs
        coordinates.append(fold.scored_keypoints.size)
    return Outcome(time.perf_counter() - started, images, squared, coordinates)


if __name__ == "__main__":
    serve(work)
