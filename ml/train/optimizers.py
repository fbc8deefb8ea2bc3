"""The optimiser of a run: which parameters it changes, how fast, and which of them decay."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from ml.train.config import TrainConfig


def make(parts: Iterable[tuple[nn.Module, float]], config: TrainConfig) -> torch.optim.Optimizer:
    """Return AdamW, or SGD with Nesterov momentum, as the configuration says.

    Args:
        parts: Modules and their highest rates, which each group has as `peak`. A parameter that is
            in two modules gets the rate of the first.
        config: The run's settings.
    """
    groups = _groups(parts)
    if config.optimiser == "sgd":
        return torch.optim.SGD(
            groups,
            lr=config.lr,
            momentum=config.momentum,
            nesterov=config.momentum > 0,
            weight_decay=config.weight_decay,
        )
    return torch.optim.AdamW(groups, weight_decay=config.weight_decay)


def _groups(parts: Iterable[tuple[nn.Module, float]]) -> list[dict[str, object]]:
    """Return two groups for each part: biases and norms, apart, have no weight decay."""
    groups: list[dict[str, object]] = []
    seen: set[nn.Parameter] = set()
    for module, peak in parts:
        new = [p for p in module.parameters() if p.requires_grad and p not in seen]
        seen.update(new)
        groups.append({"params": [p for p in new if p.ndim > 1], "peak": peak})
        flat = [p for p in new if p.ndim <= 1]
        groups.append({"params": flat, "peak": peak, "weight_decay": 0.0})
    return groups


def trainable_parameters(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    """Return the parameters that the optimiser changes, in its order."""
    return [p for group in optimiser.param_groups for p in group["params"]]
