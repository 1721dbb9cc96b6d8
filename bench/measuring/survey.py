"""Which of timm's models run at 1x96x96, and what they cost: tried on the meta device, in processes of their own.

Both ends of such a process are this file. Some of timm's models take seconds to lay out, and a few raise errors that
only a fresh process forgets, so they are neither tried one after the other nor in the caller.
"""

import contextlib
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bench.processes.child import ChildProcess, Messages, serve

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
        on_surveyed: called with each result as it arrives, from the calling thread.

    Returns:
        One entry per name, in the order of ``names``.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    results: queue.SimpleQueue[Surveyed | BaseException] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)
    children = [ChildProcess("bench.measuring.survey") for _ in range(min(workers, len(names)))]
    for child in children:
        threading.Thread(target=_drive, args=(child, waiting, results), daemon=True).start()
    found: dict[str, Surveyed] = {}
    try:
        while len(found) < len(names):
            result = results.get()
            if isinstance(result, BaseException):
                raise result
            found[result.name] = result
            on_surveyed(result)
    finally:
        with contextlib.suppress(queue.Empty):  # not `while not empty()`: a driver may take the last one in between
            while True:
                waiting.get_nowait()
        for child in children:
            child.close()
    return [found[name] for name in names]


def _drive(
    child: ChildProcess, waiting: "queue.SimpleQueue[str]", results: "queue.SimpleQueue[Surveyed | BaseException]"
) -> None:
    while True:
        try:
            name = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            results.put(_ask(child, name))
        except BaseException as error:
            results.put(error)
            return


def _ask(child: ChildProcess, name: str) -> Surveyed:
    connection = child.started()
    try:
        connection.send(name)
        if not connection.poll(MODEL_TIMEOUT_S):
            child.close()
            return Surveyed(name, "refused", f"takes longer than {MODEL_TIMEOUT_S:g} s to build")
        answer: Surveyed = connection.recv()
    except (EOFError, ConnectionError):
        return Surveyed(name, "refused", child.why_it_ended())
    return answer


def examine(name: str) -> Surveyed:
    """Build one of timm's models on the meta device, run it in training mode and count its costs in eval mode."""
    import torch

    from architectures import ArchitectureError, timm_backbones
    from bench.faces.keypoints import FRAME_PX
    from bench.measuring.cost import cost_of

    try:
        module, _ = timm_backbones.meta_module(name)
        cost = cost_of(module.eval(), torch.empty(1, 1, FRAME_PX, FRAME_PX, device="meta"))
    except ArchitectureError as error:
        return Surveyed(name, "refused", str(error))
    except Exception as error:  # a model that trains but cannot be evaluated is refused too
        reason = " ".join(str(error).split())[:160]
        return Surveyed(name, "refused", f"cannot run at 1x96x96 ({type(error).__name__}: {reason})")
    return Surveyed(name, "ok", None, cost.parameters, cost.macs)


def _converse(connection: Messages) -> None:
    import logging
    import warnings

    warnings.simplefilter("ignore")  # timm's notes on single models would bury the table
    logging.getLogger("timm").setLevel(logging.ERROR)
    while True:
        try:
            name = connection.recv()
        except EOFError:
            return
        connection.send(examine(name))


if __name__ == "__main__":
    # Not from __main__: what is sent must be of the class that the parent knows.
    from bench.measuring.survey import _converse as converse

    serve(sys.argv[1], converse)
