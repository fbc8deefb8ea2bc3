"""Maps of a few validation inputs as a training run stores them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ml.explain.maps import explain_images
from ml.explain.methods import unit_of
from ml.networks.network import Network
from ml.networks.types import STAGES, Unit
from ml.train.events import ProbeMaps

METHODS = ("attention", "gradcam")
AT_ONCE = 16
LARGEST = 65504.0  # in float16


def explained(network: Network, views: Tensor, classes: Sequence[int]) -> tuple[ProbeMaps, ...]:
    """Explain normalised inputs (N, C, H, W) for these classes, a few at once."""
    parts: dict[str, dict[str, list[Tensor]]] = {}
    for first in range(0, len(views), AT_ONCE):
        batch = slice(first, first + AT_ONCE)
        explanation = explain_images(network, views[batch], classes[batch], METHODS)
        for method, stages in explanation.maps.items():
            for stage in (s for s in STAGES if s in stages):
                parts.setdefault(method, {}).setdefault(stage, []).append(stages[stage].cpu())
    mask_unit = network.mechanism.mask_unit
    return tuple(_flat(method, stages, mask_unit) for method, stages in parts.items())


def _flat(method: str, stages: dict[str, list[Tensor]], mask_unit: Unit) -> ProbeMaps:
    whole = {stage: torch.cat(maps).float() for stage, maps in stages.items()}
    grids = {stage: (maps.shape[1], maps.shape[2]) for stage, maps in whole.items()}
    values = torch.cat([maps.flatten(1) for maps in whole.values()], 1)
    finite = values.nan_to_num(0.0, LARGEST, -LARGEST).clamp(-LARGEST, LARGEST)  # of a wild run
    unit = unit_of(method, next(iter(stages)), mask_unit)
    return ProbeMaps(method, unit, grids, finite.numpy().astype(np.float16))
