"""Maps of a few validation images while a model learns, and of its worst mistakes at the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ml.explain.photo import explain_batch
from ml.networks.network import Network
from ml.networks.types import STAGES
from ml.train.events import ProbeMaps
from ml.train.tasks.photos.data import Images, augment
from ml.train.tasks.photos.evaluate import Evaluation
from ml.weights import normalise

METHODS = ("attention", "gradcam")
AT_ONCE = 16
WORST = 12
LARGEST = 65504.0  # in float16


def probe_maps(
    network: Network,
    data: Images,
    indices: Sequence[int],
    size: int,
    targets: Sequence[int] | None = None,
) -> tuple[ProbeMaps, ...]:
    """Explain images of a split at `size` px; Grad-CAM is of `targets`, or of their own classes.

    A model without masks gives Grad-CAM alone. The network's flags and weights stay as they are.
    """
    if not indices:
        return ()
    chosen = torch.tensor(indices)
    classes = data.labels[chosen].tolist() if targets is None else list(targets)
    device = next(network.parameters()).device
    views = augment(data.images[chosen].to(device), size, 0, strength=0)
    return explained(network, normalise(views), classes)


def explained(network: Network, views: Tensor, classes: Sequence[int]) -> tuple[ProbeMaps, ...]:
    """Explain normalised inputs (N, C, H, W), a few at once."""
    parts: dict[str, dict[str, list[Tensor]]] = {}
    for first in range(0, len(views), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        found = explain_batch(network, views[some], classes[some], METHODS)
        for method, stages in found.maps.items():
            for stage in (s for s in STAGES if s in stages):
                parts.setdefault(method, {}).setdefault(stage, []).append(stages[stage].cpu())
    return tuple(_flat(method, stages) for method, stages in parts.items())


def _flat(method: str, stages: dict[str, list[Tensor]]) -> ProbeMaps:
    whole = {stage: torch.cat(maps).float() for stage, maps in stages.items()}
    grids = {stage: (maps.shape[1], maps.shape[2]) for stage, maps in whole.items()}
    values = torch.cat([maps.flatten(1) for maps in whole.values()], 1)
    held = values.nan_to_num(0.0, LARGEST, -LARGEST).clamp(-LARGEST, LARGEST)  # of a wild run
    return ProbeMaps(method, grids, held.numpy().astype(np.float16))


def worst(found: Evaluation, labels: Tensor, count: int = WORST) -> tuple[int, ...]:
    """Indices of the images that were wrong with the highest confidence, worst first."""
    wrong = np.flatnonzero(found.predicted != labels.numpy())
    order = np.argsort(-found.confidence[wrong].astype(np.float32), kind="stable")
    return tuple(int(i) for i in wrong[order[:count]])
