"""The optimiser of a run: which parameters it changes, how fast, and which of them decay."""

from __future__ import annotations

import torch
from torch import nn

from ml.networks.network import Network
from ml.train.config import TrainConfig


def make(network: Network, config: TrainConfig) -> torch.optim.Optimizer:
    """Return AdamW, or SGD with Nesterov momentum; each group's `peak` is its highest rate."""
    return build(groups(network, config), config)


def build(parts: list[dict[str, object]], config: TrainConfig) -> torch.optim.Optimizer:
    """Build the optimiser that the configuration names, over these groups."""
    if config.optimiser == "sgd":
        return torch.optim.SGD(
            parts,
            lr=config.lr,
            momentum=config.momentum,
            nesterov=config.momentum > 0,
            weight_decay=config.weight_decay,
        )
    return torch.optim.AdamW(parts, weight_decay=config.weight_decay)


def groups(network: Network, config: TrainConfig) -> list[dict[str, object]]:
    """Return groups of trunk and new modules; biases and norms, apart, have no weight decay."""
    parts: list[dict[str, object]] = []
    for module, lr in (
        (network.features, config.lr),
        (network.mechanism, config.lr * config.new_lr_factor),
    ):
        weights = [p for p in module.parameters() if p.requires_grad]
        plain = [p for p in weights if p.ndim <= 1]
        parts.append({"params": [p for p in weights if p.ndim > 1], "peak": lr})
        parts.append({"params": plain, "peak": lr, "weight_decay": 0.0})
    return parts


def trainable_parameters(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    """Return the parameters that the optimiser changes, in its order."""
    return [p for group in optimiser.param_groups for p in group["params"]]
