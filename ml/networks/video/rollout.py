"""Attention rollout (Abnar and Zuidema 2020, arXiv:2005.00928) for transformers that pool keys.

In each layer, a token becomes one half itself and one half what it attends to, averaged over the
heads; the product over the layers gives the share of each patch in the class token. MViT pools
keys and queries by strided kernels: a pooled key stands for a cell of tokens, over which its
attention is spread evenly, and so does a pooled query.
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
    """One layer's attention (B, 1 + queries, 1 + keys), class token first, and its grids."""

    attention: Tensor
    tokens: Grid
    queries: Grid
    keys: Grid


def rollout(layers: Sequence[Layer]) -> Tensor:
    """Return each patch's share in the class token: (B, T, h, w), on the first layer's grid.

    Shares are 0 or more; with that of the class token itself they sum to 1.
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
    """Spread each pooled cell's share (B, 1 + cells) evenly over the tokens of the cell."""
    if pooled == tokens:
        return row
    shares = row[:, 1:].reshape(-1, *pooled)
    for axis, (cells, length) in enumerate(zip(pooled, tokens, strict=True), 1):
        if cells != length:
            spread = _spread_matrix(cells, length).to(shares)
            shares = torch.tensordot(shares, spread, dims=([axis], [0])).movedim(-1, axis)
    return torch.cat([row[:, :1], shares.flatten(1)], 1)


@lru_cache(maxsize=64)
def _spread_matrix(cells: int, tokens: int) -> Tensor:
    """Return (cells, tokens) with rows that sum to 1: the tokens that each cell covers."""
    with torch.inference_mode(False), torch.no_grad():
        return F.adaptive_avg_pool1d(torch.eye(tokens)[None], cells)[0].T.contiguous()


def _size(grid: Grid) -> int:
    return grid[0] * grid[1] * grid[2]


class Softmaxes(TorchFunctionMode):
    """Records the output of every softmax inside the `with`, averaged over the heads (axis 1).

    torchvision's attention does not return its weights; each block has exactly one softmax.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outputs: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is torch.Tensor.softmax:
            self.outputs.append(result.detach().mean(1))
        return result
