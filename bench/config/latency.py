"""How latency is measured."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bench.config.recipe import Frozen


def _listed(value: object) -> object:
    """``1,8`` as a command line has it."""
    return tuple(dict.fromkeys(word.strip() for word in value.split(","))) if isinstance(value, str) else value


def _count_or_all(value: object) -> object:
    if value == "all" or str(value).isdecimal():
        return value
    raise ValueError("write a number of threads, or all")


Positive = Annotated[int, Field(ge=1, le=65_536)]
Threads = Annotated[Positive | Literal["all"], BeforeValidator(_count_or_all)]
Runtime = Literal["torch", "graph", "onnx"]
Listed = BeforeValidator(_listed)


class LatencySettings(Frozen):
    """The settings of ``bench latency``; every combination of batch, threads and runtime is measured.

    Attributes:
        batches: pictures per call.
        threads: intra-op threads of the measuring process; ``all`` = every usable core.
        runtimes: what executes the network; ``graph`` is torch recorded once and replayed as a CUDA graph.
        device: ``cpu`` or a torch device, resolved (never ``auto``).
        memory_format: of weights and inputs, in torch.
        end_to_end: also time uint8 pictures in, pixel coordinates out, beside the bare forward pass.
        starts: fresh processes of each model, one after the other, over which the rounds are spread.
        rounds: undisturbed rounds wanted; in each, every model has one turn.
        extra_rounds: how many more may be taken in place of disturbed ones; None = as many as are wanted.
        turn_s: how long one setting is timed in one round; a call that takes longer is timed once.
        warm_up_limit_s: a setting that is not steady after this time is measured but marked unstable.
    """

    batches: Annotated[tuple[Positive, ...], Listed] = Field(default=(1,), min_length=1)
    threads: Annotated[tuple[Threads, ...], Listed] = Field(default=(1,), min_length=1)
    runtimes: Annotated[tuple[Runtime, ...], Listed] = Field(default=("torch",), min_length=1)
    device: str = "cpu"
    memory_format: Literal["channels_last", "contiguous"] = "channels_last"
    end_to_end: bool = True
    starts: int = Field(default=3, ge=1, le=100)
    rounds: int = Field(default=12, ge=1, le=1000)
    extra_rounds: int | None = Field(default=None, ge=0, le=1000)
    turn_s: float = Field(default=0.25, gt=0, le=60)
    warm_up_limit_s: float = Field(default=5.0, gt=0, le=600)

    @property
    def most_rounds(self) -> int:
        """Rounds that may be taken, disturbed ones included."""
        return self.rounds + (self.rounds if self.extra_rounds is None else self.extra_rounds)


AFTER_TRAINING = LatencySettings(rounds=10, turn_s=0.1)
"""What ``bench run`` measures when nothing trains any more: a few seconds per model. Ten rounds carry a median also
where a call fills its turn."""
