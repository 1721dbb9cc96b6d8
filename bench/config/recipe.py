"""The recipe: everything about training that is not architecture."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """Base of all configuration: immutable, unknown keys refused, no silent conversion of text."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


class Recipe(Frozen):
    """How a network is trained. Units are in the names; fractions are of the frame or of the whole training."""

    epochs: int = Field(default=40, ge=1, le=100_000)
    batch_size: int = Field(default=64, ge=1, le=65_536)
    loss: Literal["wing", "smooth_l1", "mse", "l1", "own"] = "wing"
    lr: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
