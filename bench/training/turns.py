"""Trainings side by side in one process: each does one step in its turn, on CUDA in a stream of its own.

A small network leaves most of an accelerator idle. Processes would not help: CUDA gives them the accelerator one after
the other, and each holds a context of half a gigabyte there.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TypeVar

Result = TypeVar("Result")

Turns = Generator[None, None, Result]
"""Work that pauses wherever other work may come in between, and what it comes to in the end."""


def alone(work: Turns[Result]) -> Result:
    """Do it without a pause."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result


def in_turns(works: Sequence[Turns[Result]], device: str) -> Iterator[tuple[int, Result]]:
    """Give each work its turn, round after round; yield its number and its result as it ends.

    What a work comes to does not depend on the others: random numbers on the accelerator are its own as well.
    """
    under_way = {number: (work, lane(device)) for number, work in enumerate(works)}
    while under_way:
        for number, (work, own) in list(under_way.items()):
            try:
                with own:
                    next(work)
            except StopIteration as end:
                del under_way[number]
                yield number, end.value


def lane(device: str) -> AbstractContextManager[object]:
    """What is to be around each turn of one work: on CUDA its stream and its random numbers, else nothing."""
    return CudaLane(device) if device.startswith("cuda") else nullcontext()


class CudaLane(AbstractContextManager["CudaLane"]):
    """A stream, and a state of the device's random numbers, which the default generator takes up within."""

    def __init__(self, device: str) -> None:
        import torch

        where = torch.device(device)
        index = torch.cuda.current_device() if where.index is None else where.index
        torch.cuda.init()  # type: ignore[no-untyped-call]
        self._default = torch.cuda.default_generators[index]
        self._state = torch.Generator(where).graphsafe_get_state()
        self._stream = torch.cuda.Stream(where)  # type: ignore[no-untyped-call]
        self._within = ExitStack()

    def __enter__(self) -> "CudaLane":
        import torch

        self._default.graphsafe_set_state(self._state)
        self._within.enter_context(torch.cuda.stream(self._stream))
        return self

    def __exit__(self, *_: object) -> None:
        self._within.close()


def ready(device: str) -> Turns[None]:
    """Pause until the device has done what was asked of it so far; reading a number would wait, and all others too."""
    if not device.startswith("cuda"):
        return
    import torch

    done = torch.cuda.Event()  # type: ignore[no-untyped-call]
    done.record()
    while not done.query():  # type: ignore[no-untyped-call]
        yield
