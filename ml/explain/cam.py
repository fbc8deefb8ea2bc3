"""Grad-CAM and its family: a tap's values A and gradients g, both (B, C, h, w), give (B, h, w).

Every map is signed; clipping is for showing. `y` is the target's logit, before any softmax.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ml.networks.registry import Registry


@dataclass(frozen=True)
class Method:
    """A way to turn activations and gradients into a map."""

    title: str
    function: Callable[[Tensor, Tensor], Tensor]
    source: str


METHODS: Registry[Method] = Registry("explanation method", "ml.explain")


def gradcam(a: Tensor, g: Tensor) -> Tensor:
    """sum_k mean(g_k) A_k (Selvaraju et al. 2017, eq. 1 and 2, before the ReLU)."""
    return torch.einsum("bchw,bc->bhw", a, g.mean((2, 3)))


def hirescam(a: Tensor, g: Tensor) -> Tensor:
    """sum_k g_k A_k (Draelos and Carin 2020)."""
    return (a * g).sum(1)


def layercam(a: Tensor, g: Tensor) -> Tensor:
    """sum_k ReLU(g_k) A_k (Jiang et al. 2021)."""
    return (a * g.relu()).sum(1)


def xgradcam(a: Tensor, g: Tensor) -> Tensor:
    """w_k = sum(g_k A_k) / sum(A_k) (Fu et al. 2020); a channel that sums to 0 has no weight."""
    total = a.sum((2, 3))
    weights = torch.where(
        total == 0, 0.0, (a * g).sum((2, 3)) / torch.where(total == 0, 1.0, total)
    )
    return torch.einsum("bchw,bc->bhw", a, weights)


def gradcampp(a: Tensor, g: Tensor) -> Tensor:
    """Alpha = g^2 / (2 g^2 + sum(A) g^3), w = sum(alpha ReLU(g)) (Chattopadhay et al. 2018)."""
    bottom = 2 * g**2 + a.sum((2, 3), keepdim=True) * g**3
    alpha = torch.where(bottom == 0, 0.0, g**2 / torch.where(bottom == 0, 1.0, bottom))
    return torch.einsum("bchw,bc->bhw", a, (alpha * g.relu()).sum((2, 3)))


for _name, _title, _function, _source in (
    ("gradcam", "Grad-CAM", gradcam, "https://arxiv.org/abs/1610.02391"),
    ("hirescam", "HiResCAM", hirescam, "https://arxiv.org/abs/2011.08891"),
    ("layercam", "LayerCAM", layercam, "https://doi.org/10.1109/TIP.2021.3089943"),
    ("xgradcam", "XGrad-CAM", xgradcam, "https://arxiv.org/abs/2008.02312"),
    ("gradcampp", "Grad-CAM++", gradcampp, "https://arxiv.org/abs/1710.11063"),
):
    METHODS.register(_name)(Method(_title, _function, _source))
