"""Attention rollout (Abnar and Zuidema 2020, arXiv:2005.00928) where keys are pooled.

In each layer, half of what a token becomes is itself and half is what it attends to, averaged
over the heads; the product over the layers says which patches the class token has drawn from.
A video transformer such as MViT pools keys and queries by strided kernels: a pooled key stands for
a cell of tokens, over which the attention that it gets is spread evenly, and where queries are
pooled, what a token was before is its cell in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

Grid = tuple[int, int, int]  # of patches: time, height, width


@dataclass(frozen=True)
class Layer:
    """One layer's attention (B, 1 + queries, 1 + keys), class token first, and the grids."""

    attention: Tensor
    tokens: Grid
    queries: Grid
    keys: Grid


def rollout(layers: Sequence[Layer]) -> Tensor:
    """What the class token has drawn from each patch: (B, T, h, w), of the first layer's tokens.

    Never negative; with the class token's own part it sums to 1.
    """
    last = layers[-1]
    row = last.attention.new_zeros((len(last.attention), 1 + _size(last.queries)))
    row[:, 0] = 1
    for layer in reversed(layers):
        attended = torch.bmm(row[:, None], layer.attention)[:, 0]
        row = (_unpool(row, layer.queries, layer.tokens) / 2) + (
            _unpool(attended, layer.keys, layer.tokens) / 2
        )
    return row[:, 1:].reshape(-1, *layers[0].tokens)


def _unpool(row: Tensor, pooled: Grid, tokens: Grid) -> Tensor:
    """Spread each pooled cell's part (B, 1 + cells) evenly over the tokens of the cell."""
    if pooled == tokens:
        return row
    parts = row[:, 1:].reshape(-1, *pooled)
    for axis, (few, many) in enumerate(zip(pooled, tokens, strict=True), 1):
        if few != many:
            spread = _evenly(few, many).to(parts)
            parts = torch.tensordot(parts, spread, dims=([axis], [0])).movedim(-1, axis)
    return torch.cat([row[:, :1], parts.flatten(1)], 1)


@lru_cache(maxsize=64)
def _evenly(few: int, many: int) -> Tensor:
    """(few, many), each row sums to 1: which of many cells a pooled cell covers, evenly."""
    with torch.inference_mode(False), torch.no_grad():
        return F.adaptive_avg_pool1d(torch.eye(many)[None], few)[0].T.contiguous()


def _size(grid: Grid) -> int:
    return grid[0] * grid[1] * grid[2]


class Softmaxes(TorchFunctionMode):
    """Keeps what every softmax gives inside the `with`, averaged over the heads (axis 1).

    torchvision's attention returns no weights, and the softmax is the only one in each block.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is torch.Tensor.softmax:
            self.found.append(result.detach().mean(1))
        return result
