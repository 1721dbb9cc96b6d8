"""How latency is measured."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from bench.config.recipe import Frozen
from bench.errors import ConfigError

Positive = Annotated[int, Field(ge=1, le=65_536)]
Runtime = Literal["torch", "onnx"]

PRECISION = "float32"
"""What latency is measured in, whatever the training used: the precision of the weights that are delivered."""


class LatencySettings(Frozen):
    """The settings of ``bench latency``; every combination of batch, threads and runtime is measured.

    Attributes:
        batches: pictures per call.
        threads: intra-op threads of the measuring process; ``all`` = every usable core.
        runtimes: what executes the network.
        device: ``cpu`` or a torch device, resolved (never ``auto``).
        memory_format: of weights and inputs, in torch.
        end_to_end: also time uint8 pictures in, pixel coordinates out, beside the bare forward pass.
        starts: fresh processes of each model, one after the other, over which the rounds are spread.
        rounds: undisturbed rounds wanted; in each, every model has one turn.
        extra_rounds: how many more may be taken in place of disturbed ones.
        turn_s: how long one setting is timed in one round; a call that takes longer is timed once.
        warm_up_limit_s: a setting that is not steady after this time is measured but marked unstable.
    """

    batches: tuple[Positive, ...] = Field(default=(1,), min_length=1)
    threads: tuple[Positive | Literal["all"], ...] = Field(default=(1,), min_length=1)
    runtimes: tuple[Runtime, ...] = Field(default=("torch",), min_length=1)
    device: str = "cpu"
    memory_format: Literal["channels_last", "contiguous"] = "channels_last"
    end_to_end: bool = True
    starts: int = Field(default=3, ge=1, le=100)
    rounds: int = Field(default=12, ge=1, le=1000)
    extra_rounds: int = Field(default=12, ge=0, le=1000)
    turn_s: float = Field(default=0.25, gt=0, le=60)
    warm_up_limit_s: float = Field(default=5.0, gt=0, le=600)


OPTION_OF_FIELD = {"runtimes": "--runtime", "turn_s": "--turn-seconds", "extra_rounds": "--rounds"}


def latency_settings(values: Mapping[str, Any]) -> LatencySettings:
    """Settings from option values.

    Raises:
        ConfigError: a value out of range, named by its option.
    """
    try:
        return LatencySettings(**values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = str(problem["loc"][0])
        option = OPTION_OF_FIELD.get(field, f"--{field.replace('_', '-')}")
        raise ConfigError(f"{option}: {problem['input']!r}, {problem['msg'][0].lower()}{problem['msg'][1:]}") from error


AFTER_TRAINING = LatencySettings(starts=3, rounds=10, extra_rounds=10, turn_s=0.1)
"""What ``bench run`` measures when nothing trains any more: a few seconds per model. Ten rounds carry a median also
where a call fills its turn."""
