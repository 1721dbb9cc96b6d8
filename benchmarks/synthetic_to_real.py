"""What synthetic faces teach: a network trained on them alone, scored on photographs and on drawn people it never saw.

    python benchmarks/synthetic_to_real.py --data data/KeyFacialPoints.csv [--model resnet_custom] [--epochs 12]

Every fifth drawn person is kept for scoring; nothing of --data is trained on. Exit code 1 where the network does not
beat the best constant answer, the photographs' own mean face.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

import architectures
from bench.config.recipe import Recipe
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces
from bench.faces.synthetic.stored import stored_synthetic_faces
from bench.measuring.accuracy import rmse_px
from bench.training.loop import Examples, Execution, predict, train
from bench.training.predictor import Predictor


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="resnet_custom")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rows", type=int, default=2140)
    parser.add_argument("--people", type=int, default=180)
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(0)
    real = load_faces(FaceSource(options.data, "none"))
    drawn = stored_synthetic_faces(options.rows, options.people).faces
    kept = drawn.groups % 5 == 0
    architecture = architectures.get(options.model)
    recipe = Recipe(**{**architecture.recipe, "epochs": options.epochs})
    execution = Execution(precision="bfloat16")
    module = architecture.build()
    predictor = Predictor(module, drawn.scheme, flip=recipe.test_time_flip)
    images, keypoints = (torch.from_numpy(array[~kept]) for array in (drawn.images, drawn.keypoints))
    train(module, Examples(images, keypoints, drawn.scheme), recipe, execution, lambda _: None)

    def scored(pictures: np.ndarray, truth: np.ndarray) -> float:
        return rmse_px(predict(predictor, torch.from_numpy(np.array(pictures))), truth)

    mean_face = np.broadcast_to(np.nanmean(real.keypoints, axis=0), real.keypoints.shape)
    result = {
        "model": options.model,
        "epochs": options.epochs,
        "drawn_rows": int((~kept).sum()),
        "real_rmse_px": scored(real.images, real.keypoints),
        "real_mean_face_rmse_px": rmse_px(mean_face, real.keypoints),
        "unseen_drawn_people_rmse_px": scored(drawn.images[kept], drawn.keypoints[kept]),
    }
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    return int(result["real_rmse_px"] >= result["real_mean_face_rmse_px"])


if __name__ == "__main__":
    sys.exit(main())
