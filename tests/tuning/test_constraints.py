"""``--max-params`` and ``--max-ms``: each trial's own network is measured."""

import textwrap
from contextlib import closing
from pathlib import Path

from bench.config.recipe import Recipe
from bench.config.tuning import TuningSettings
from bench.records.schema import VariantFacts
from bench.scheme import SEED_SCHEME
from bench.tuning.constraints import Constraints

SLEEPER = """
    import time
    from torch import Tensor, nn

    class Sleeper(nn.Module):
        def __init__(self, *, ms: float = 1.0, width: int = 1) -> None:
            super().__init__()
            self.ms = ms
            self.layers = nn.ModuleList(nn.Linear(96 * 96, 30) for _ in range(width))

        def forward(self, pictures: Tensor) -> Tensor:
            time.sleep(self.ms / 1000)
            return self.layers[0](pictures.flatten(1))
"""


def constraints(folder: Path, settings: TuningSettings) -> Constraints:
    file = folder / "sleeper.py"
    file.write_text(textwrap.dedent(SLEEPER))
    variant = VariantFacts(options={"ms": 1.0}, recipe=Recipe())
    return Constraints(settings, f"{file}:Sleeper", variant, SEED_SCHEME)


def test_each_trial_is_timed_with_its_own_network_and_both_passes(tmp_path: Path) -> None:
    with closing(constraints(tmp_path, TuningSettings(max_ms=30.0))) as limits:
        assert limits.excess({"recipe.lr": 0.1})["ms"] < -20
        assert limits.excess({"options.ms": 45.0})["ms"] > 15
        assert limits.excess({"options.ms": 20.0})["ms"] < 0
        assert limits.excess({"options.ms": 20.0, "recipe.test_time_flip": True})["ms"] > 10


def test_parameters_are_counted_per_trial(tmp_path: Path) -> None:
    with closing(constraints(tmp_path, TuningSettings(max_params=300_000))) as limits:
        assert limits.excess({}) == {"parameters": (96 * 96 + 1) * 30 - 300_000}
        assert limits.excess({"options.width": 2}) == {"parameters": 2 * (96 * 96 + 1) * 30 - 300_000}
