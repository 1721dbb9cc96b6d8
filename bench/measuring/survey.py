"""Which of timm's models run at 1x96x96, and what they cost: tried on the meta device, in processes of their own.

Some of timm's models take seconds to lay out, and a few raise errors that
only a fresh process forgets, so they are neither tried one after the other nor in the caller.
"""

import contextlib
import logging
import queue
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bench.errors import ProcessError
from bench.processes.servant import Servant
from bench.processes.side_by_side import side_by_side

MODEL_TIMEOUT_S = 120.0
"""Longest time for one model; the slowest needs a few seconds."""

OnSurveyed = Callable[["Surveyed"], None]


@dataclass(frozen=True)
class Surveyed:
    """One model: ``ok`` with its costs at 1x96x96, or ``refused`` with the reason."""

    name: str
    status: Literal["ok", "refused"]
    reason: str | None = None
    parameters: int | None = None
    macs: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The entry as ``bench models --timm --json`` prints it."""
        return asdict(self)


def survey(names: Sequence[str], workers: int, on_surveyed: OnSurveyed) -> list[Surveyed]:
    """Build each of timm's models ``names`` (without the prefix) and run it forward.

    Args:
        names: as timm spells them.
        workers: processes side by side.
        on_surveyed: called with each result as it arrives, one call at a time.

    Returns:
        One entry per name, in the order of ``names``.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)
    found: dict[str, Surveyed] = {}
    stop, lock = threading.Event(), threading.Lock()

    def drive() -> None:
        with (
            contextlib.closing(Servant(Examiner, limit_s=MODEL_TIMEOUT_S)) as servant,
            contextlib.suppress(queue.Empty),
        ):
            while not stop.is_set():
                result = _ask(servant, waiting.get_nowait(), stop)
                with lock:
                    found[result.name] = result
                    on_surveyed(result)

    side_by_side([drive] * min(workers, len(names)), stop)
    return [found[name] for name in names]


def _ask(servant: "Servant[Examiner]", name: str, stop: threading.Event) -> Surveyed:
    try:
        return servant.begin(Examiner.examine, name).wait(stop=stop)
    except ProcessError as error:
        late = f"takes longer than {MODEL_TIMEOUT_S:g} s to build"
        return Surveyed(name, "refused", late if error.cause == "timeout" else str(error))


class Examiner:
    """What lives in a process of the survey."""

    def __init__(self) -> None:
        warnings.simplefilter("ignore")  # timm's notes on single models would bury the table
        logging.getLogger("timm").setLevel(logging.ERROR)

    def examine(self, name: str) -> Surveyed:
        """See :func:`examine`."""
        return examine(name)


def examine(name: str) -> Surveyed:
    """Build one of timm's models on the meta device, run it in training mode and count its costs in eval mode."""
    import torch

    from architectures import ArchitectureError, timm_backbones
    from architectures.machinery.registry import Dimensions
    from bench.faces.keypoints import FRAME_PX
    from bench.measuring.cost import cost_of

    try:
        module, _ = timm_backbones.meta_module(name, Dimensions())
        cost = cost_of(module.eval(), torch.empty(1, 1, FRAME_PX, FRAME_PX, device="meta"))
    except ArchitectureError as error:
        return Surveyed(name, "refused", str(error))
    except Exception as error:  # a model that trains but cannot be evaluated is refused too
        reason = " ".join(str(error).split())[:160]
        return Surveyed(name, "refused", f"cannot run at 1x96x96 ({type(error).__name__}: {reason})")
    return Surveyed(name, "ok", None, cost.parameters, cost.macs)
