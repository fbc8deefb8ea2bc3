"""The one rule for a map that stands for all three stages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

RULE = (
    "Each stage's positive part is scaled to 0..1 over the image, upsampled bilinearly to the "
    "input size, and the three are averaged; a stage without any contrast counts as 0."
)


def unit_range(maps: Tensor) -> Tensor:
    """Scale each map's positive part (B, h, w) to [0, 1]; a flat one becomes 0."""
    positive = maps.relu()
    low = positive.amin((1, 2), keepdim=True)
    span = positive.amax((1, 2), keepdim=True) - low
    return torch.where(span > 0, (positive - low) / torch.where(span > 0, span, 1.0), 0.0)


def upsample(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, h, w) -> (B, *size), bilinear, pixel centres aligned.

    Bilinear upsampling is a product with one matrix a side: as products, it takes half the time.
    """
    down, across = (
        _linear(before, after, maps.device)
        for before, after in zip(maps.shape[1:], size, strict=True)
    )
    return down.T @ (maps.to(down.dtype) @ across)


@lru_cache(maxsize=64)
def _linear(before: int, after: int, device: torch.device) -> Tensor:
    """The matrix (before, after) of linear upsampling."""
    with torch.inference_mode(False), torch.no_grad():
        unit = torch.eye(before, device=device)[None]
        return F.interpolate(unit, size=after, mode="linear", align_corners=False)[0]


def combine(stages: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Stage maps (B, h_s, w_s) -> one map (B, *size) in [0, 1], by `RULE`."""
    total = upsample(unit_range(stages[0]), size)
    for maps in stages[1:]:
        total += upsample(unit_range(maps), size)
    return total.div_(len(stages))
