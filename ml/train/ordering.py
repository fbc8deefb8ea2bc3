"""The order in which an epoch sees its data."""

from __future__ import annotations

import torch
from torch import Tensor


def shuffled(count: int, seed: int, epoch: int) -> Tensor:
    """Return the epoch's shuffled indices: a function of seed and epoch only."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(count, generator=generator)
