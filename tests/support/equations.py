"""The papers' equations in NumPy, in float64, written from the papers and not from `ml`."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

Array = np.ndarray


def array(tensor: Tensor) -> Array:
    return tensor.detach().double().numpy()


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax_space(x: Array) -> Array:
    """Softmax over all positions of (B, h, w)."""
    e = np.exp(x - x.max((1, 2), keepdims=True))
    return e / e.sum((1, 2), keepdims=True)


def linear(x: Array, layer: nn.Linear) -> Array:
    y = x @ array(layer.weight).T
    return y if layer.bias is None else y + array(layer.bias)


def conv1x1(x: Array, layer: nn.Conv2d) -> Array:
    assert layer.kernel_size == (1, 1)
    y = np.einsum("oc,bchw->bohw", array(layer.weight)[:, :, 0, 0], x)
    return y if layer.bias is None else y + array(layer.bias)[:, None, None]


def conv_same(x: Array, weight: Array) -> Array:
    """Cross-correlation with zero padding, so that the grid stays: (B, C, h, w) -> (B, O, h, w)."""
    reach = weight.shape[-1] // 2
    padded = np.pad(x, ((0, 0), (0, 0), (reach, reach), (reach, reach)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[-2:], axis=(2, 3))
    return np.einsum("bchwij,ocij->bohw", windows, weight)


def batchnorm(x: Array, layer: nn.BatchNorm1d | nn.BatchNorm2d) -> Array:
    """In eval mode, of (B, C) or (B, C, h, w)."""
    column = (slice(None), *[None] * (x.ndim - 2))
    mean, variance = array(layer.running_mean)[column], array(layer.running_var)[column]
    scaled = (x - mean) / np.sqrt(variance + 1e-5)
    return scaled * array(layer.weight)[column] + array(layer.bias)[column]


def stretch(source: int, target: int) -> Array:
    """Matrix (target, source) of bilinear resizing where pixel areas, not corners, line up."""
    matrix = np.zeros((target, source))
    for i in range(target):
        place = min(max((i + 0.5) * source / target - 0.5, 0), source - 1)
        low = int(place)
        high = min(low + 1, source - 1)
        matrix[i, low] += 1 - (place - low)
        matrix[i, high] += place - low
    return matrix


def bilinear(x: Array, height: int, width: int) -> Array:
    """(..., h, w) -> (..., height, width)."""
    rows, columns = stretch(x.shape[-2], height), stretch(x.shape[-1], width)
    return np.einsum("yh,...hw,xw->...yx", rows, x, columns)
