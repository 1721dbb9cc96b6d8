"""How uncertain a difference is after a few folds: what one pair cannot tell yet, all pairs and earlier runs lend it.

Between one fold or two of a single seed there is next to nothing to estimate a pair's variance from. What can be
measured after any fold is the variance by the groups of people that were scored, which lacks what whole trainings and
training parts share. The ratio of the two, between folds over by people, is much alike for all pairs, and is shrunk
towards what is known of it: moderated variances, Smyth (2004), "Linear models and empirical Bayes methods", section 4,
on the ratio in place of the variance itself.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from bench.comparing.row_losses import Numbers, RowLosses
from bench.comparing.spread import covariance_of_sums, of_differences

PRIOR_RATIO = 2.0
"""Variance of a difference over its part by people. Real retrainings of one network, as if they were two networks,
are called different by people alone in 16.7 % of the pairs where 5 % should be: a ratio of 2.0."""
PRIOR_DEGREES = 5.0
"""How many degrees of freedom that is worth: networks differ in it. In a simulated field of which half trains three
times as unevenly as what it was taken from, 8 let races drop the unluckiest of its equally good networks in 1.4 %, 5 in
0.3 % and 4 in 0.2 %; that costs 38, 43 or 48 % of all cells in a field of twelve that are 10 % apart."""


@dataclass(frozen=True)
class Moderated:
    """The differences of M models, row less column, after the folds that they have; each array is (M, M).

    Attributes:
        difference_px: of their RMSE.
        error_px: its standard error.
        degrees: degrees of freedom of that.
    """

    difference_px: Numbers
    error_px: Numbers
    degrees: float

    @property
    def p_worse(self) -> Numbers:
        """One-sided p of the first being the worse; 1 where it is not, or where people say nothing (one group)."""
        known = (self.difference_px > 0) & (self.error_px > 0)
        ratio = np.divide(self.difference_px, self.error_px, out=np.zeros_like(self.error_px), where=known)
        return np.where(known, stats.t.sf(ratio, self.degrees), 1.0)

    def interval_px(self, pair: tuple[int, int]) -> tuple[float, float]:
        """95 % for the difference of one pair alone."""
        middle, reach = float(self.difference_px[pair]), float(stats.t.ppf(0.975, self.degrees) * self.error_px[pair])
        return middle - reach, middle + reach


def moderated(losses: RowLosses, folds: int) -> Moderated:
    """Of the differences between models that have the same cells.

    The variance is a product of two estimates, by people with G - 1 degrees of freedom and the ratio with its own. The
    variances of their logarithms, about 2 / degrees each, add up (Satterthwaite 1946, Biometrics Bulletin 2, by the
    delta method). By quadrature, with Gaussian and chi-squared parts, a test so keeps every level from 5 % to 0.02 %;
    with the lesser of the two in its place, tests at 0.02 % reject 1.3 times as often with 36 people, 3.8 with 8.

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
    return Moderated(
        difference_px=losses.rmse_px[:, None] - losses.rmse_px[None, :],
        error_px=np.sqrt(people * ratio * (1 + (done - 1) * overlap)),
        degrees=1 / (1 / (PRIOR_DEGREES + all_degrees) + 1 / max(losses.group_count - 1.0, 1.0)),
    )
