"""Arithmetic of a GPU that is the CPU's: full float32, and the same numbers every time."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def exact(device: torch.device) -> AbstractContextManager[None]:
    """Return a context in which convolutions on `device` are exact and deterministic.

    Without it cuDNN rounds the factors of a float32 convolution to TF32, which has ten bits: maps
    would be some 1e-3 of their range away from those of a CPU. It may also choose an algorithm
    that adds in another order each time.
    """
    if device.type != "cuda":
        return nullcontext()
    settings: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, deterministic=True, allow_tf32=False, fp32_precision="ieee"
    )
    return settings
