"""Maps of photos of the validation split."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ml.networks.network import Network
from ml.networks.weights import normalise
from ml.train.events import ProbeMaps
from ml.train.probe_maps import explained
from ml.train.tasks.photos.data import Images, augment


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
