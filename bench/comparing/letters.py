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
    that is told apart from none of those that have it. So the best has 1, and with tests that agree with the order of
    the errors each letter is a stretch of the ranking.

    Args:
        apart: bool (M, M), symmetric: whether two models are told apart.
    """
    count, letter = len(apart), 0
    found: list[list[int]] = [[] for _ in range(count)]
    uncovered: NDArray[np.bool_] = np.logical_not(apart)
    np.fill_diagonal(uncovered, val=False)
    for model in range(count):
        while uncovered[model].any() or not found[model]:
            others = np.flatnonzero(uncovered[model])
            members = [model, *others[:1].tolist()]
            free = np.logical_not(apart[members].any(axis=0))
            free[members] = False
            while free.any():
                joining = int(np.argmax(free))
                members.append(joining)
                free &= ~apart[joining]
                free[joining] = False
            letter += 1
            for member in members:
                found[member].append(letter)
            uncovered[np.ix_(members, members)] = False
    return tuple(tuple(letters) for letters in found)
