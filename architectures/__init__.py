"""What is compared. Each import below registers the architectures of one file."""

from architectures import heatmap as _heatmap  # noqa: F401
from architectures import naimishnet as _naimishnet  # noqa: F401
from architectures import plain_cnn as _plain_cnn  # noqa: F401
from architectures import resnet_custom as _resnet_custom  # noqa: F401
from architectures import simcc as _simcc  # noqa: F401
from architectures import timm_backbones as _timm_backbones  # noqa: F401
from architectures.machinery.adopted import adopt
from architectures.machinery.errors import ArchitectureError
from architectures.machinery.lookup import available, build, get
from architectures.machinery.registry import Architecture, register, registered, without_start

__all__ = [
    "Architecture",
    "ArchitectureError",
    "adopt",
    "available",
    "build",
    "get",
    "register",
    "registered",
    "without_start",
]
