"""Who belongs together: a file, a column, near-duplicate clusters, or nobody."""

import csv
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.faces.opening import MOST_BLANK_LINES, open_lines
from bench.faces.thumbnails import SIDE, shrink

AUTO, NONE = "auto", "none"
SIMILARITY = 0.93
"""Pictures whose 24x24 versions correlate at least so much count as copies of one moment."""
LARGEST_SHARE = 0.02
"""No cluster holds more of the rows than this: a chain of likenesses must not swallow the set."""
BLOCK_ROWS = 2048


def describe_groups(count: int, grouping: str, people_known: bool) -> str:
    """How many groups of what kind, in words."""
    if grouping == NONE:
        return "each row a group of its own"
    return f"{count:,} {'groups' if people_known else 'near-duplicate clusters'} ({grouping})"


def groups_from_values(values: Sequence[str], origin: str, rows: int) -> NDArray[np.int64]:
    """Number the distinct texts in order of appearance: int64 (N,).

    Raises:
        DataError: another number of values than rows, or a blank among them.
    """
    if len(values) != rows:
        raise DataError(f"{origin}: {len(values):,} groups for {rows:,} rows; give one line per row, in order")
    texts = [value.strip() for value in values]
    if "" in texts:
        row = texts.index("") + 1
        raise DataError(f"{origin}: row {row} is blank; name the person, or give each unknown a name of its own")
    return _numbered(texts)


def _numbered(values: Iterable[Hashable]) -> NDArray[np.int64]:
    """Distinct values numbered in order of appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)


def read_group_file(path: Path, rows: int) -> list[str]:
    """The values of a CSV with one column and a header, for a file of ``rows`` faces.

    Raises:
        DataError: not readable, not UTF-8, more than one column, or far more lines than rows.
    """
    values: list[str] = []
    with open_lines(path) as lines:
        try:
            for number, fields in enumerate(csv.reader((line.decode("utf-8-sig") for line in lines), strict=True)):
                if len(fields) > 1:
                    raise DataError(f"{path.name}: line {number + 1} has {len(fields)} columns, expected one")
                if number > rows + MOST_BLANK_LINES:
                    raise DataError(f"{path.name}: more than {number - 1:,} lines for {rows:,} rows; give one per row")
                values.append(fields[0] if fields else "")
        except UnicodeDecodeError as error:
            raise DataError(f"{path.name}: not UTF-8 text; save it as UTF-8") from error
        except csv.Error as error:
            raise DataError(f"{path.name}: no CSV ({error})") from error
    if not values:
        raise DataError(f"{path.name}: is empty; expected a header and one group per row")
    while len(values) > 1 and not values[-1].strip():
        values.pop()  # blank lines at the end
    return values[1:]


def near_duplicate_clusters(images: NDArray[np.uint8], photos: Sequence[str] = ()) -> NDArray[np.int64]:
    """Cluster pictures that are nearly the same: uint8 (N, side, side[, 3]) -> int64 (N,).

    Where ``photos`` (N names) tells which are cut out of one photo, those are together first, however many.

    Single linkage over pairs of 24x24 pictures with a correlation of at least .93, most alike first; a link that would
    make a cluster larger than 2 % of the rows (but at least two) is not made. Pairs are taken in tiles of 2,048 by
    2,048 rows, and ordered by likeness within a tile: memory grows with N (1.6 KB a row), time with its square.
    """
    small = _standardised(images)
    rows = len(small)
    clusters = _Clusters(rows, max(2, int(LARGEST_SHARE * rows)), photos)
    for start in range(0, rows, BLOCK_ROWS):
        above = small[start : start + BLOCK_ROWS].astype(np.float32)
        for other in range(start, rows, BLOCK_ROWS):
            alike = above @ small[other : other + BLOCK_ROWS].astype(np.float32).T
            linked = alike >= SIMILARITY
            first, second = np.nonzero(np.triu(linked, k=1) if other == start else linked)
            if not len(first):
                continue
            likeness = alike[first, second]
            tile = range(start, start + len(above)), range(other, other + alike.shape[1])
            open_pairs = clusters.can_join(*tile)[first, second]
            first, second, likeness = first[open_pairs] + start, second[open_pairs] + other, likeness[open_pairs]
            for pair in np.argsort(-likeness, kind="stable").tolist():
                clusters.join(int(first[pair]), int(second[pair]))
    return clusters.labels()


def _standardised(images: NDArray[np.uint8]) -> NDArray[np.float16]:
    """24x24 block means with zero mean and unit length, float16 (N, 576): their products are correlations, to 1e-4."""
    small = np.empty((len(images), SIDE * SIDE), dtype=np.float16)
    for start in range(0, len(images), BLOCK_ROWS):
        means = shrink(images[start : start + BLOCK_ROWS], np.float32)
        means -= means.mean(axis=1, keepdims=True)
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-6)
        small[start : start + BLOCK_ROWS] = means
    return small


class _Clusters:
    """Disjoint sets of rows with a limit on their size."""

    def __init__(self, rows: int, largest: int, together: Sequence[str]) -> None:
        from scipy.cluster.hierarchy import DisjointSet

        self._sets = DisjointSet(range(rows))
        self._largest = largest
        first: dict[str, int] = {}
        for row, name in enumerate(together):
            self._sets.merge(first.setdefault(name, row), row)

    def can_join(self, first: range, second: range) -> NDArray[np.bool_]:
        """Which pairs of two runs of rows may still be joined: bool (n, m). Spares the loop settled pairs."""
        roots = [np.array([self._sets[row] for row in rows]) for rows in (first, second)]
        sizes = [np.array([self._sets.subset_size(row) for row in rows]) for rows in (first, second)]
        return np.asarray((roots[0][:, None] != roots[1]) & (sizes[0][:, None] + sizes[1] <= self._largest))

    def join(self, one: int, other: int) -> None:
        """Put two rows' clusters together where the limit allows."""
        if self._sets.subset_size(one) + self._sets.subset_size(other) <= self._largest:
            self._sets.merge(one, other)

    def labels(self) -> NDArray[np.int64]:
        """Clusters numbered in order of their first row."""
        return _numbered(self._sets[row] for row in self._sets)
