"""Placed views: some of a batch are shrunk and put anywhere on scrambled pieces of another photo.

So a network sees in training that things can be small and off the centre, where pooling evenly
over the picture loses them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ml.media.place import TILE, place, scrambled
from ml.train.tasks.photos.data import Images

LEAST, MOST = 0.15, 1.0  # of the side


def placed(
    views: Tensor,
    data: Images,
    index: Tensor,
    seed: int,
    share: float,
    part: slice = slice(None),
) -> Tensor:
    """Return views of which about `share` are placed, all drawn from the seed.

    Args:
        views: (B, 3, S, S) in 0..255, of a part of a batch.
        data: The split that the batch is from.
        index: The whole batch's photos; the ground under each one is the next one's pieces.
        seed: Of the batch.
        share: Of the views that are placed, 0..1.
        part: Which part of the batch the views are; they look as they do in the whole.
    """
    draws = np.random.default_rng(seed).random((4, len(index)))
    grounds = index.roll(-1)
    side, out = views.shape[-1], views.clone()
    for row, i in enumerate(range(len(index))[part]):
        chance, size, x, y = draws[:, i]
        if chance >= share:
            continue
        ground = scrambled(_pixels(data.images[grounds[i]]), side, TILE, seed + i)
        view = _pixels(views[row].round().to(torch.uint8).cpu())
        picture = place(view, ground, LEAST + (MOST - LEAST) * size, x, y)
        out[row] = torch.from_numpy(picture.transpose(2, 0, 1)).to(out)
    return out


def _pixels(image: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.ascontiguousarray(image.permute(1, 2, 0).numpy())
