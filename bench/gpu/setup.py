"""What every part of the check is given."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

Result = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """A line of the table: what was measured, the result, the goal, and if it is met.

    met: None if there is no goal.
    """

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Setup:
    """Where the unpacked data is, and what runs on it.

    Attributes:
        data: The folder that `pack` made a file of.
        folder: Where the check may write.
        device: `cuda`, or `cpu` to try the check itself.
        tiny: Whether the check takes seconds and its figures mean nothing: to try it.
    """

    data: Path
    folder: Path
    device: str
    tiny: bool = False

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.startswith("cuda")

    def wait(self) -> None:
        """Wait until the device has done all that it was given."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def seconds(self, work: Callable[[], object], rounds: int = 20, warmup: int = 3) -> float:
        """Return the median seconds of a function, until the device has finished its work."""
        times = []
        for number in range(1 if self.tiny else warmup + rounds):
            self.wait()
            began = time.perf_counter()
            work()
            self.wait()
            if self.tiny or number >= warmup:
                times.append(time.perf_counter() - began)
        return statistics.median(times)
