"""Which of timm's models run on pictures of some size, and what they cost: tried in processes of their own.

Some of timm's models take seconds to lay out, and a few raise errors that only a fresh process forgets, so they are
neither tried one after the other nor in the caller.
"""

import logging
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing

from bench.errors import ProcessError
from bench.measuring.catalogue import CatalogueEntry, counted
from bench.processes.servant import Servant
from bench.processes.side_by_side import Waiting, side_by_side
from bench.scheme import Scheme

MODEL_TIMEOUT_S = 120.0
"""Longest time for one model; the slowest needs a few seconds."""

OnSurveyed = Callable[[CatalogueEntry], None]


def survey(names: Sequence[str], scheme: Scheme, workers: int, on_surveyed: OnSurveyed) -> list[CatalogueEntry]:
    """Build each of timm's models and run it forward.

    Args:
        names: as users type them, ``timm:NAME``.
        scheme: what for.
        workers: processes side by side.
        on_surveyed: called with each result as it arrives, one call at a time.

    Returns:
        One entry per name, in the order of ``names``.
    """
    found: dict[str, CatalogueEntry] = {}
    stop, lock = threading.Event(), threading.Lock()
    waiting = Waiting(names, stop)

    def drive() -> None:
        with closing(Servant(Examiner)) as servant:
            for name in waiting:
                result = _ask(servant, name, scheme, stop)
                with lock:
                    found[name] = result
                    on_surveyed(result)

    side_by_side([drive] * min(workers, len(names)), stop)
    return [found[name] for name in names]


def _ask(servant: "Servant[Examiner]", name: str, scheme: Scheme, stop: threading.Event) -> CatalogueEntry:
    try:
        return servant.begin(Examiner.examine, name, scheme).wait(MODEL_TIMEOUT_S, stop)
    except ProcessError as error:
        reason = f"takes longer than {MODEL_TIMEOUT_S:g} s to build" if error.cause == "timeout" else str(error)
        return CatalogueEntry(name, "timm", "", "timm", status="refused", reason=reason)


class Examiner:
    """What lives in a process of the survey."""

    def __init__(self) -> None:
        warnings.simplefilter("ignore")  # timm's notes on single models would bury the table
        logging.getLogger("timm").setLevel(logging.ERROR)

    def examine(self, name: str, scheme: Scheme) -> CatalogueEntry:
        """Build one of timm's models on the meta device, run it in training mode and count its costs in eval mode."""
        import architectures

        return counted(architectures.get(name), scheme)
