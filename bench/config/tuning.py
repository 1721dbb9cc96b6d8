"""What a search is asked to do: the ``[tuning]`` table and the options of ``bench tune``."""

import re
from pathlib import Path

from pydantic import Field

from bench.config.recipe import Frozen
from bench.errors import ConfigError

DEFAULT_BUDGET_S = 1800.0
SEARCH_EPOCHS_SHARE = 0.4
SEARCH_EPOCHS_LEAST = 10
"""A training inside the search gets this share of the recipe's epochs, but at least so many (or all there are), where
``search_epochs`` is not given. With six of plain_cnn's twenty epochs, 28 of 29 trials were given up as hopeless."""

_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0}


class TuningSettings(Frozen):
    """How the search is done.

    Attributes:
        trials: trials per architecture (and per outer fold when nested); None means that ``budget_s`` ends the search.
        budget_s: wall time of the whole command, shared equally by the architectures.
        inner_folds: folds into which the training part is split again, by group.
        search_epochs: epochs inside the search; the last comparison trains in full.
        prune: whether trials are given up early; the defaults never are.
        prune_percentile: a trial goes on only while its running RMSE is among this best percentage of the complete
            ones. Ridge on faces, six seeds, 30 trials: 10 saved 44 % of the trainings, 15 saved 40 %, 25 saved 38 %,
            the best score within 1 % of the unpruned search in all.
        prune_after_trials: complete trials that must exist before the first is pruned by comparison.
        give_up_share: a training no better than the mean face after this share of its epochs is given up, where the
            defaults were better by then. Not the middle: there the learning rate is at its highest, and sound
            trainings score worst.
        max_ms: longest forward time of one picture (batch 1, one thread); a constraint, not a penalty.
        max_params: most parameters; a constraint, not a penalty.
        nested: tune inside every outer fold instead of inside the first alone.
        storage: ``sqlite:///FILE`` or ``postgresql://...``; None means a journal file under ``--out``.
        space: a TOML file that narrows or replaces the search space.
    """

    trials: int | None = Field(default=None, ge=1, le=100_000)
    budget_s: float | None = Field(default=None, gt=0)
    inner_folds: int = Field(default=3, ge=2, le=20)
    search_epochs: int | None = Field(default=None, ge=1, le=100_000)
    prune: bool = True
    prune_percentile: float = Field(default=10.0, gt=0, lt=100)
    prune_after_trials: int = Field(default=4, ge=1)
    give_up_share: float = Field(default=0.75, gt=0, le=1)
    max_ms: float | None = Field(default=None, gt=0)
    max_params: int | None = Field(default=None, ge=1)
    nested: bool = False
    storage: str | None = None
    space: Path | None = None

    @property
    def time_limit_s(self) -> float | None:
        """Wall time of the command: as given, or the default where neither trials nor a budget were asked for."""
        if self.budget_s is None and self.trials is None:
            return DEFAULT_BUDGET_S
        return self.budget_s

    def epochs_inside(self, recipe_epochs: int) -> int:
        """Epochs of one training inside the search."""
        if self.search_epochs is not None:
            return self.search_epochs
        return min(recipe_epochs, max(SEARCH_EPOCHS_LEAST, round(recipe_epochs * SEARCH_EPOCHS_SHARE)))


def parse_duration(text: str) -> float:
    """``90s``, ``30m``, ``1h30m`` or plain seconds -> seconds.

    Raises:
        ConfigError: anything else, or nothing at all.
    """
    word = text.strip().lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms])", word)
    if parts and "".join(number + unit for number, unit in parts) == word:
        seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    elif re.fullmatch(r"\d+(?:\.\d+)?", word):
        seconds = float(word)
    else:
        raise ConfigError(f"--budget {text}: expected a time such as 90s, 30m or 1h30m")
    if seconds <= 0:
        raise ConfigError(f"--budget {text}: must be longer than nothing")
    return seconds
