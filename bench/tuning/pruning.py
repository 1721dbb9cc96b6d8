"""When a trial is given up between inner folds."""

from dataclasses import dataclass

import numpy as np
import optuna
from optuna.pruners import BasePruner, NopPruner
from optuna.trial import FrozenTrial, TrialState


@dataclass(frozen=True)
class FoldPruner(BasePruner):
    """Gives a trial up unless its running RMSE is among the best ``percentile`` of the complete ones at that fold.

    Optuna's PercentilePruner looks at the lowest of a trial's reports so far. Folds differ in difficulty, so after an
    easy first fold that is the first report for ever, and no later fold could prune: here the newest report counts.

    Attributes:
        percentile: 0 to 100.
        after_trials: complete trials that must exist first.
    """

    percentile: float
    after_trials: int

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether to give ``trial`` up after its newest report."""
        step = trial.last_step
        if step is None:
            return False
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        others = [other.intermediate_values[step] for other in complete if step in other.intermediate_values]
        if len(others) < self.after_trials:
            return False
        return bool(trial.intermediate_values[step] > np.percentile(others, self.percentile))


def make_pruner(percentile: float, after_trials: int, *, prune: bool) -> BasePruner:
    """A :class:`FoldPruner`, or one that never prunes."""
    return FoldPruner(percentile, after_trials) if prune else NopPruner()
