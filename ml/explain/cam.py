"""Grad-CAM and its family: a tap's values A and gradients g, both (B, C, h, w), give (B, h, w).

Every map is signed; clipping is for showing. `y` is the target's logit, before any softmax.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ml.explain.methods import METHODS, Cam, Method


def evidence(name: str, title: str, source: str, description: str) -> Callable[[Cam], Cam]:
    """Register the decorated function as a method that gives evidence for the target."""

    def register(function: Cam) -> Cam:
        METHODS.register(name)(
            Method(title, "evidence", description, source, "gradients", "evidence", function)
        )
        return function

    return register


@evidence(
    "gradcam",
    "Grad-CAM",
    "https://arxiv.org/abs/1610.02391",
    "Channels, each weighted by its mean gradient.",
)
def gradcam(a: Tensor, g: Tensor) -> Tensor:
    """sum_k mean(g_k) A_k (Selvaraju et al. 2017, eq. 1 and 2, before the ReLU)."""
    return torch.einsum("bchw,bc->bhw", a, g.mean((2, 3)))


@evidence(
    "hirescam",
    "HiResCAM",
    "https://arxiv.org/abs/2011.08891",
    "Activations times gradients, place by place.",
)
def hirescam(a: Tensor, g: Tensor) -> Tensor:
    """sum_k g_k A_k (Draelos and Carin 2020)."""
    return (a * g).sum(1)


@evidence(
    "layercam",
    "LayerCAM",
    "https://doi.org/10.1109/TIP.2021.3089943",
    "Activations times positive gradients, place by place: finer at early stages.",
)
def layercam(a: Tensor, g: Tensor) -> Tensor:
    """sum_k ReLU(g_k) A_k (Jiang et al. 2021)."""
    return (a * g.relu()).sum(1)


@evidence(
    "xgradcam",
    "XGrad-CAM",
    "https://arxiv.org/abs/2008.02312",
    "Channels, each weighted by its gradient averaged over where it is active.",
)
def xgradcam(a: Tensor, g: Tensor) -> Tensor:
    """w_k = sum(g_k A_k) / sum(A_k) (Fu et al. 2020); a channel that sums to 0 has no weight."""
    total = a.sum((2, 3))
    weights = torch.where(
        total == 0, 0.0, (a * g).sum((2, 3)) / torch.where(total == 0, 1.0, total)
    )
    return torch.einsum("bchw,bc->bhw", a, weights)


@evidence(
    "gradcampp",
    "Grad-CAM++ of ReLU(A)",
    "https://arxiv.org/abs/1710.11063",
    "Channels weighted by positive gradients, so that each of several objects counts; as "
    "Grad-CAM++, but negative activations do not enter the weights, which they leave undefined.",
)
def gradcampp(a: Tensor, g: Tensor) -> Tensor:
    """Alpha = g^2 / (2 g^2 + sum(ReLU(A)) g^3), w = sum(alpha ReLU(g)).

    Chattopadhay et al. (2018) have sum(A), which is the same after a ReLU. At signed layers, such
    as linear bottlenecks, their denominator crosses 0 and the map is noise. Where g > 0, which
    alone counts, alpha ReLU(g) is g / (2 + sum(ReLU(A)) g): no denominator is under 2.
    """
    positive = g.relu()
    bottom = 2 + a.relu().sum((2, 3), keepdim=True) * positive
    return torch.einsum("bchw,bc->bhw", a, (positive / bottom).sum((2, 3)))
