"""Tiny networks for the runner's tests, and some that misbehave; each is named ``networks.py:NAME``."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn


class Tiny(nn.Module):
    """A 12x12 mean picture and one linear layer: trains in a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(8)
        self.linear = nn.Linear(144, 30)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.linear(self.pool(pictures).flatten(1))


class Blind(Tiny):
    """Looks away: its answer is the same corner for every picture."""

    def forward(self, pictures: Tensor) -> Tensor:
        return super().forward(pictures) * 1e-6 + 0.9


class Slow(Tiny):
    """Takes a tenth of a second for each training batch."""

    def forward(self, pictures: Tensor) -> Tensor:
        if self.training and torch.is_grad_enabled():
            time.sleep(0.1)
        return super().forward(pictures)


class Exploding(Tiny):
    """Its answers are not numbers."""

    def forward(self, pictures: Tensor) -> Tensor:
        return super().forward(pictures) * float("inf")


class Raising(Tiny):
    """Raises in training, not while it is only built or counted."""

    def forward(self, pictures: Tensor) -> Tensor:
        if self.training and pictures.device.type != "meta":
            raise RuntimeError("this network is broken\non purpose")
        return super().forward(pictures)


class Moody(Tiny):
    """Raises in training as long as there is a file ``broken`` in the working directory."""

    def forward(self, pictures: Tensor) -> Tensor:
        if self.training and pictures.device.type != "meta" and Path("broken").exists():
            raise RuntimeError("in a mood")
        return super().forward(pictures)


class Killed(Tiny):
    """Is killed by a signal each time, and counts how often in ``kills.txt``."""

    def forward(self, pictures: Tensor) -> Tensor:
        if self.training and pictures.device.type != "meta":
            with Path("kills.txt").open("a") as stream:
                stream.write("killed\n")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(pictures)


class Hungry(Tiny):
    """Asks for a petabyte."""

    def forward(self, pictures: Tensor) -> Tensor:
        if self.training and pictures.device.type != "meta":
            torch.empty(2**50, dtype=torch.uint8)
        return super().forward(pictures)


class Chatty(Tiny):
    """Prints when it is built and when it is run."""

    def __init__(self) -> None:
        super().__init__()
        print("built")  # noqa: T201

    def forward(self, pictures: Tensor) -> Tensor:
        print("run")  # noqa: T201
        return super().forward(pictures)


class OneRow(Tiny):
    """Answers with one row for a whole batch, which would broadcast."""

    def forward(self, pictures: Tensor) -> Tensor:
        return super().forward(pictures).mean(0, keepdim=True)


class Missing(Tiny):
    """Loses the last picture of a batch when it is scored."""

    def forward(self, pictures: Tensor) -> Tensor:
        answer = super().forward(pictures)
        return answer if self.training or pictures.device.type == "meta" else answer[:-1]


class Single(Tiny):
    """Has an answer to many pictures and none to one."""

    def forward(self, pictures: Tensor) -> Tensor:
        if len(pictures) == 1:
            raise KeyError("one picture")
        return super().forward(pictures)


class Careless(Tiny):
    """Changes what holds for its whole process."""

    def forward(self, pictures: Tensor) -> Tensor:
        if self.training and pictures.device.type != "meta":
            torch.set_default_dtype(torch.float64)
            torch.set_flush_denormal(True)
            torch.backends.mkldnn.enabled = False
            os.environ["CARELESS"] = "yes"
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return super().forward(pictures)


def _all_zero(layer: nn.Linear) -> None:
    nn.init.zeros_(layer.weight)


class Patching(Tiny):
    """Replaces functions of torch, makes the kernels' precision one that torch does not tell, and leaves the folder."""

    def forward(self, pictures: Tensor) -> Tensor:
        if self.training and pictures.device.type != "meta":
            nn.Linear.reset_parameters = _all_zero  # type: ignore[method-assign]
            torch.backends.mkldnn.matmul.fp32_precision = "bf16"  # type: ignore[attr-defined]
            os.chdir("/")
        return super().forward(pictures)


class Drawing(Tiny):
    """Begins with weights that numpy and Python draw."""

    def __init__(self) -> None:
        super().__init__()
        with torch.no_grad():
            self.linear.weight.mul_(np.random.rand() * random.random())  # noqa: NPY002


class Leaving(Tiny):
    """Ends its process while it trains, as if all were well."""

    def forward(self, pictures: Tensor) -> Tensor:
        if self.training and pictures.device.type != "meta":
            sys.exit(0)
        return super().forward(pictures)


class Hanging(Tiny):
    """Never comes to the end of a training, and counts how often it began in ``begun.txt``."""

    def forward(self, pictures: Tensor) -> Tensor:
        if self.training and pictures.device.type != "meta":
            with Path("begun.txt").open("a") as stream:
                stream.write("begun\n")
            time.sleep(600)
        return super().forward(pictures)


class Loud(Tiny):
    """Writes to file descriptor 1, past whatever Python calls stdout."""

    def __init__(self) -> None:
        super().__init__()
        os.write(1, b"built\n")
