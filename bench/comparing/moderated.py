"""How uncertain a difference is after a few folds: what one pair cannot tell yet, all pairs and earlier runs lend it.

Between one fold or two of a single seed there is next to nothing to estimate a pair's variance from. What can be
measured after any fold is the variance by the groups of people that were scored, which lacks what whole trainings and
training parts share. The ratio of the two, between folds over by people, is much alike for all pairs, and is shrunk
towards what is known of it: moderated variances, Smyth (2004), "Linear models and empirical Bayes methods", section 4,
on the ratio in place of the variance itself.
"""

from dataclasses import dataclass

import numpy as np

from bench.comparing.row_losses import Numbers, RowLosses
from bench.comparing.spread import covariance_of_sums, of_differences

PRIOR_RATIO = 2.0
"""Variance of a difference over its part by people. Real retrainings of one network, as if they were two networks,
are called different by people alone in 16.7 % of the pairs where 5 % should be: a ratio of 2.0."""
PRIOR_DEGREES = 4.0
"""How many degrees of freedom that is worth: networks differ in it. In a simulated field of which half trains three
times as unevenly as what it was taken from, 8 let races drop the unluckiest of its equally good networks in 5 %, and 4
in 1 %; that costs 37 or 44 % of all cells in a field of twelve that are 10 % apart."""


@dataclass(frozen=True)
class Moderated:
    """Variances in px^2 of the differences of M models, (M, M), and their degrees of freedom."""

    variance: Numbers
    degrees: float


def moderated(losses: RowLosses, folds: int) -> Moderated:
    """Of the differences between models that have the same cells.

    Args:
        losses: of the folds that are done.
        folds: how many the protocol has: by Nadeau and Bengio (2003) errors of two folds are correlated by the share of
            the rows that is scored, so that folds differ by less than independent trainings, and tell less together.
    """
    done, models = losses.fold_count, len(losses.models)
    people = of_differences(covariance_of_sums(losses.influences))
    between = of_differences(covariance_of_sums(losses.fold_sums(losses.influences)))
    overlap = 1 / max(folds, 2)  # correlation of two folds of one run, whose training parts overlap
    own = np.divide(between, people * (1 - overlap), out=np.zeros_like(people), where=people > 0)
    pairs = own[np.triu_indices(models, k=1)]
    own_degrees, all_degrees = done - 1.0, (done - 1.0) * (models - 1.0)
    prior = PRIOR_RATIO * PRIOR_DEGREES
    common = (prior + all_degrees * float(pairs.mean() if pairs.size else 0.0)) / (PRIOR_DEGREES + all_degrees)
    # A network whose folds scatter is believed to: what the others lend it must not hide that.
    alone = (prior + own_degrees * own) / (PRIOR_DEGREES + own_degrees)
    ratio = np.maximum(np.maximum(common, alone), 1.0)
    degrees = min(PRIOR_DEGREES + all_degrees, max(losses.group_count - 1.0, 1.0))
    return Moderated(people * ratio * (1 + (done - 1) * overlap), degrees)
