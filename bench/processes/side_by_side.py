"""Jobs in threads side by side, ended together: by the last job, by an error or by Ctrl-C."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Generic, TypeVar

Item = TypeVar("Item")

POLL_S = 0.2
"""A wait without limit would not let Ctrl-C through on every system."""


def side_by_side(jobs: Sequence[Callable[[], None]], stop: threading.Event) -> None:
    """Run each job in a thread of its own and return when all have ended.

    An error in one, or Ctrl-C, sets ``stop``; the jobs are expected to heed it, and are waited for.
    ``Thread.join`` is not used for the waiting: interrupted, it takes a living thread for ended (CPython issue 90882),
    and what that thread was writing is torn off with the process.

    Args:
        jobs: what to run.
        stop: set when the jobs shall end early, and always once they have.

    Raises:
        BaseException: the first that a job raised, or KeyboardInterrupt.
    """
    errors: list[BaseException] = []

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            errors.append(error)
            stop.set()

    with ThreadPoolExecutor(max_workers=max(1, len(jobs))) as pool:
        try:
            under_way = {pool.submit(guarded, job) for job in jobs}
            while under_way:
                under_way = wait(under_way, timeout=POLL_S).not_done
        finally:
            stop.set()
    if errors:
        raise errors[0]


class Waiting(Generic[Item]):
    """What waits for the threads of some jobs: each takes items by iterating, and each item is taken once."""

    def __init__(self, items: Iterable[Item], stop: threading.Event) -> None:
        """Args:
        items: in the order in which they are taken.
        stop: leaves the rest untaken when set.
        """
        self._items = list(items)
        self._stop = stop
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Item]:
        return self.preferring(lambda _: False)

    def preferring(self, liked: Callable[[Item], bool]) -> Iterator[Item]:
        """Each time the first that is ``liked`` then, or the first of all where none is."""
        while not self._stop.is_set():
            with self._lock:
                if not self._items:
                    return
                place = next((place for place, item in enumerate(self._items) if liked(item)), 0)
                item = self._items.pop(place)
            yield item

    def more(self, most: int, fitting: Callable[[Item], bool]) -> list[Item]:
        """Take up to ``most`` further items, of those that fit."""
        with self._lock:
            taken = [] if self._stop.is_set() else [item for item in self._items if fitting(item)][:most]
            self._items = [item for item in self._items if not any(item is one for one in taken)]
            return taken
