"""The optimiser of a clip run: trunks and new parts apart, as for photos, and each stream's own."""

from __future__ import annotations

import torch
from torch import nn

from ml.networks.network import Network
from ml.networks.video.base import VideoNetwork
from ml.train.optimizers import build
from ml.train.tasks.clips.config import ClipConfig


def make(network: VideoNetwork, config: ClipConfig) -> torch.optim.Optimizer:
    """Return AdamW or SGD; each group's `peak` is its highest rate."""
    return build(groups(network, config), config)


def groups(network: VideoNetwork, config: ClipConfig) -> list[dict[str, object]]:
    """Return parameters by rate: trunks at `lr`, new parts faster; norms and biases do not decay.

    `flow_lr_factor` multiplies every rate of the flow stream.
    """
    parts: list[dict[str, object]] = []
    seen: set[int] = set()
    for name, part in network.named_children():
        factor = config.flow_lr_factor if name == "flow" else 1.0
        if isinstance(part, Network):
            parts += _of(part.features, factor * config.lr, seen)
        parts += _of(part, factor * config.lr * config.new_lr_factor, seen)
    return parts


def _of(part: nn.Module, peak: float, seen: set[int]) -> list[dict[str, object]]:
    mine = [p for p in part.parameters() if p.requires_grad and id(p) not in seen]
    seen.update(id(p) for p in mine)
    flat = [p for p in mine if p.ndim <= 1]
    return [
        {"params": [p for p in mine if p.ndim > 1], "peak": peak},
        {"params": flat, "peak": peak, "weight_decay": 0.0},
    ]
