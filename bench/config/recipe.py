"""The recipe: everything about training that is not architecture."""

from fractions import Fraction
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from bench.errors import ConfigError
from bench.scheme import Scheme


class Frozen(BaseModel):
    """Base of all configuration: immutable, unknown keys refused, no infinite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_number(cls, value: object, info: ValidationInfo) -> object:
        """True is no 1, whatever Python says."""
        if isinstance(value, bool) and not _takes_bool(cls.model_fields[str(info.field_name)].annotation):
            raise ValueError("true and false say nothing here")
        return value


def _takes_bool(annotation: Any) -> bool:
    return (
        annotation is Any
        or isinstance(annotation, bool)
        or annotation is bool
        or any(map(_takes_bool, get_args(annotation)))
    )


LossName = Literal["wing", "smooth_l1", "l1", "mse", "own"]
"""The rows of ``bench.training.losses.POINTWISE``, and ``own``."""


GROWING = (Fraction(1, 2), Fraction(2, 3))
"""Of the frame's side: what pictures grow through, each for as long."""


class Recipe(Frozen):
    """How a network is trained. Units are in the names; a fraction is of the frame or of the whole training.

    Attributes:
        loss: ``wing`` (Feng et al. 2018, eq. 5), ``smooth_l1``, ``l1``, ``mse``, all on pixels of the frame;
            ``own`` asks the module for ``training_loss``.
        wing_width_px, wing_curvature_px: w and epsilon of the Wing loss; the width is also smooth-L1's threshold.
        optimiser: ``adamw`` (Loshchilov and Hutter 2019), or ``muon`` (Jordan et al. 2024) for the weights of hidden
            layers beside it. Both take the same learning rates and decays.
        schedule: ``one_cycle`` rises linearly for ``warmup_fraction`` of the steps and falls as a cosine to zero;
            ``constant`` only rises.
        growing_fraction: over this first fraction of the epochs pictures are small, which costs less, and grow: first
            half the frame's side, then two thirds (Tan and Le 2021, "EfficientNetV2", section 4). Only for networks
            that take frames of any side; 0 = off.
        layer_decay: factor on the learning rate per part of the module (its direct children) from the head towards the
            stem; 1 = the same everywhere.
        average_fraction: weights are averaged with equal shares over this last fraction of the steps; 0 = off.
        flip: whether pictures are mirrored, with left and right names swapped: every other time a row is seen. Off
            where the points have no left and right.
        rotation_degrees, scale_fraction, shift_px: largest change, drawn evenly between minus and plus.
        brightness, contrast: largest change; brightness in units of the full grey range, contrast as a factor.
        test_time_flip: predict the mean of a picture and its mirror image. Doubles the cost of predicting.
        precision: ``bfloat16`` is autocast with float32 weights; ``auto`` takes it where the device computes in it.
        float32_layers: what stays in float32 under autocast. Processors are slow at bfloat16 convolutions of single
            channels, and slower yet at their gradients (pytorch issue 183815): ``auto`` is ``depthwise`` there, and
            ``none`` on accelerators.
    """

    epochs: int = Field(default=40, ge=1, le=100_000)
    batch_size: int = Field(default=32, ge=2, le=65_536)
    loss: LossName = "l1"
    wing_width_px: float = Field(default=10.0, gt=0)
    wing_curvature_px: float = Field(default=2.0, gt=0)
    optimiser: Literal["adamw", "muon"] = "adamw"
    lr: float = Field(default=0.01, gt=0, le=10)
    weight_decay: float = Field(default=0.05, ge=0, le=10)
    schedule: Literal["one_cycle", "constant"] = "one_cycle"
    warmup_fraction: float = Field(default=0.2, ge=0, lt=1)
    growing_fraction: float = Field(default=0.0, ge=0, lt=1)
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    clip_norm: float | None = Field(default=None, gt=0)
    average_fraction: float = Field(default=0.1, ge=0, lt=1)
    flip: bool = True
    rotation_degrees: float = Field(default=15.0, ge=0, le=180)
    scale_fraction: float = Field(default=0.12, ge=0, lt=1)
    shift_px: float = Field(default=6.0, ge=0, le=48)
    brightness: float = Field(default=0.1, ge=0, le=1)
    contrast: float = Field(default=0.25, ge=0, lt=1)
    test_time_flip: bool = False
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    float32_layers: Literal["auto", "depthwise", "none"] = "auto"

    def side_px(self, epoch: int, scheme: Scheme) -> int:
        """The side of the pictures in an epoch, which is counted from 0."""
        growing = int(self.growing_fraction * self.epochs)
        if epoch >= growing:
            return scheme.side_px
        return round(GROWING[len(GROWING) * epoch // growing] * scheme.side_px)

    def for_scheme(self, scheme: Scheme) -> Self:
        """What this recipe comes to for these points: without a mirror, ``flip`` is off.

        Raises:
            ConfigError: it asks for flips at test time, and the points have no mirror.
        """
        if self.test_time_flip:
            mirror_of(scheme)
        return self.model_copy(update={"flip": self.flip and scheme.mirror is not None})


def mirror_of(scheme: Scheme) -> tuple[int, ...]:
    """The mirror that flips at test time need.

    Raises:
        ConfigError: the points have none.
    """
    if scheme.mirror is None:
        raise ConfigError(
            "recipe.test_time_flip: the names of the points say no left and right, so no picture can be mirrored; "
            "set it to false"
        )
    return scheme.mirror
