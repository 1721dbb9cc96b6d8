"""A training that is looked at on its way: measured there, or given up."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.config.recipe import Recipe
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces
from bench.records.schema import VariantFacts
from bench.running.task import FoldTask, GiveUp
from bench.running.worker import run_fold


def test_a_look_on_the_way_changes_no_bit_and_a_missed_bar_ends_it(faces_csv: Path) -> None:
    source = FaceSource(faces_csv, "none")
    rows = np.arange(40)
    recipe = Recipe(epochs=2, batch_size=16, precision="float32")
    variant = VariantFacts(options={"width": 8}, recipe=recipe)
    fingerprint = load_faces(source).fingerprint
    task = FoldTask(source, fingerprint, "plain_cnn", variant, rows[:32], rows[32:], seed=1)
    epochs: list[int] = []
    plain = run_fold(task, lambda point: epochs.append(point.epoch))
    measured = run_fold(replace(task, give_up=GiveUp(1, math.inf)), lambda _: None)
    given_up = run_fold(replace(task, give_up=GiveUp(1, 0.0)), lambda point: epochs.append(point.epoch))
    assert plain.predictions is not None and measured.predictions is not None
    assert np.array_equal(plain.predictions, measured.predictions)
    assert plain.mark_px is None and measured.mark_px is not None
    assert (given_up.cause, given_up.predictions) == ("gave up", None)
    assert f"{measured.mark_px:.2f} px after epoch 1" in (given_up.reason or "")
    assert epochs == [1, 2, 1]
