"""The compact letter display: two models share a letter exactly where a run does not tell them apart.

Piepho (2004), "An algorithm for a letter-based representation of all-pairwise comparisons", Journal of Computational
and Graphical Statistics 13. The letters are a clique cover, as in Gramm et al. (2007), "Algorithms for compact letter
displays", whose number never explodes.
"""

import numpy as np
from numpy.typing import NDArray


def compact_letters(apart: NDArray[np.bool_]) -> tuple[tuple[int, ...], ...]:
    """The letters of each model, numbers from 1: (M,).

    Models come best first. A letter is begun for a pair that shares none yet, and given to every model, best first,
    that is told apart from none of those that have it; one whose pairs all share another is dropped at the end. So the
    best has 1, and with tests that agree with the order of the errors each letter is a stretch of the ranking.

    Args:
        apart: bool (M, M), symmetric: whether two models are told apart.
    """
    holders = _cover(apart)
    shared = np.zeros(apart.shape, dtype=np.int64)
    for members in holders:
        shared[np.ix_(members, members)] += 1
    kept = []
    for members in reversed(holders):
        of_these = np.ix_(members, members)
        if (shared[of_these] > 1).all():
            shared[of_these] -= 1
        else:
            kept.append(members)
    found: list[list[int]] = [[] for _ in range(len(apart))]
    for letter, members in enumerate(sorted(map(sorted, kept)), start=1):
        for member in members:
            found[member].append(letter)
    return tuple(tuple(letters) for letters in found)


def _cover(apart: NDArray[np.bool_]) -> list[list[int]]:
    """Who holds each letter, in the order in which they are begun; every pair that is not told apart holds one."""
    holders = []
    uncovered: NDArray[np.bool_] = np.logical_not(apart)  # each model with itself too: alone it has a letter as well
    for model in range(len(apart)):
        while uncovered[model].any():
            members = [model]
            wanted = uncovered[model].copy()
            wanted[model] = False
            if wanted.any():
                members.append(int(np.argmax(wanted)))
            free = np.logical_not(apart[members].any(axis=0))
            free[members] = False
            while free.any():
                joining = int(np.argmax(free))
                members.append(joining)
                free &= np.logical_not(apart[joining])
                free[joining] = False
            holders.append(members)
            uncovered[np.ix_(members, members)] = False
    return holders
