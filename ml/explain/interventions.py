"""What an answer would be with other masks: do a network's own masks matter to it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ml.errors import MlError
from ml.networks.attention.base import Mechanism
from ml.networks.types import Stage

WIDTHS = torch.logspace(
    -2.5, 2, 256
)  # of Gaussians, as shares of a grid's longer side: one cell to flat


@contextmanager
def edited_masks(network: nn.Module, edit: Callable[[Stage, Tensor], Tensor]) -> Iterator[None]:
    """Replace every mask of a network inside the `with`, also of each stream of a video network.

    Args:
        network: A `Network`, or a `VideoNetwork` made of some.
        edit: From a stage and its mask (B, C, h, w) to the mask that acts, of the same shape. A
            video network's snippets are one batch: B is clips times snippets.
    """
    mechanisms = [module for module in network.modules() if isinstance(module, Mechanism)]
    before = [mechanism.edit for mechanism in mechanisms]
    try:
        for mechanism in mechanisms:
            mechanism.edit = edit
        yield
    finally:
        for mechanism, old in zip(mechanisms, before, strict=True):
            mechanism.edit = old


def even(mask: Tensor) -> Tensor:
    """Return each channel's own mean everywhere: (B, C, h, w) -> the same shape."""
    return mask.mean((2, 3), keepdim=True).expand_as(mask)


def blob(mask: Tensor) -> Tensor:
    """Return a Gaussian about the centre with the mask's least value, mean and deviation.

    Each channel of (B, C, h, w) has its own, so that a share stays positive and sums to 1. No
    blob is sharper than one on the middle cells: it stands for masks that are.
    """
    low = mask.amin((2, 3), keepdim=True)
    mean = mask.mean((2, 3), keepdim=True) - low
    deviation = mask.std((2, 3), keepdim=True, correction=0)
    wanted = deviation / mean.clamp_min(torch.finfo(mask.dtype).tiny)
    distances = _distances(mask)
    gaussian = torch.exp(-distances / (2 * _width(wanted, distances) ** 2))
    return low + mean * gaussian / gaussian.mean((2, 3), keepdim=True)


def another(mask: Tensor) -> Tensor:
    """Return the masks (B, C, h, w) of the batch, each given to the next image.

    Raises:
        MlError: There is only one.
    """
    if len(mask) < 2:
        raise MlError("Another photo's mask needs a batch of at least two.")
    return mask.roll(1, 0)


def _distances(mask: Tensor) -> Tensor:
    """Squared distances from the centre (h, w), the longer side being 1; the nearest are 0."""
    side = max(mask.shape[2:])
    y, x = (
        (torch.arange(n, device=mask.device, dtype=mask.dtype) - (n - 1) / 2) / side
        for n in mask.shape[2:]
    )
    squared = y[:, None] ** 2 + x**2
    return squared - squared.min()


def _width(wanted: Tensor, distances: Tensor) -> Tensor:
    """Return the widths of the Gaussians whose deviations are `wanted` times their means."""
    widths = WIDTHS.to(wanted)
    peaks = torch.exp(-distances / (2 * widths[:, None, None] ** 2))
    spreads = peaks.std((1, 2), correction=0) / peaks.mean((1, 2))  # falls with the width
    above = torch.searchsorted(-spreads, -wanted.contiguous()).clamp(1, len(widths) - 1)
    sharper, flatter = spreads[above - 1], spreads[above]
    share = ((sharper - wanted) / (sharper - flatter)).nan_to_num(0).clamp(0, 1)
    return widths[above - 1] * (widths[above] / widths[above - 1]) ** share
