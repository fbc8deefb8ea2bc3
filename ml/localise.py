"""The pointing game (Zhang et al. 2016): how often a map's maximum falls inside the object's box.

The image's centre alone hits most boxes, so its figure stands beside every other one, and objects
whose boxes together take under a quarter of the image are counted apart. As in the paper, a hit is
in any box of the image. (Against the largest box alone, `boxed224`'s centres hit 79.6 % of all
and 46.5 % of the small.)
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ml.errors import MlError
from ml.explain.combine import upsample
from ml.explain.maps import DEFAULT_METHODS, explain_images
from ml.layouts.synsets import SYNSETS
from ml.media.photo import load_rgb
from ml.networks.network import Network
from ml.networks.weights import normalise

SMALL = 0.25  # of the image's area

Box: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom; shares of the side
Boxes: TypeAlias = tuple[tuple[Box, ...], ...]  # of each image


@dataclass(frozen=True)
class Boxed:
    """Images uint8 (N, 3, S, S), labels, each image's boxes as fractions, and if it is small."""

    images: Tensor
    labels: tuple[int, ...]
    boxes: Boxes
    small: Tensor


@dataclass(frozen=True)
class Score:
    """Share of hits of one map, of the centre, and how concentrated the map is.

    contrast: mean over images of (max - min) / max |value|. corner: share of maxima in the four
    corner cells of a 7x7 grid. cells: distinct places of the maximum on a 7x7 grid.
    """

    stage: str
    method: str
    hit_all: float
    hit_small: float
    centre_all: float
    centre_small: float
    contrast: float
    corner: float
    cells: int

    def as_dict(self) -> dict[str, Any]:
        """Return the record rounded to four digits."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def load_boxed(folder: Path) -> Boxed:
    """Read `SYNSET/*.jpg` and `boxes.csv` (file, x0, y0, x1, y1); MlError if they are not there."""
    table = folder / "boxes.csv"
    if not table.is_file():
        raise MlError(f"There is no boxes.csv in {folder}.")
    boxes: dict[str, list[Box]] = {}
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            x0, y0, x1, y1 = (float(row[k]) for k in ("x0", "y0", "x1", "y1"))
            boxes.setdefault(row["file"], []).append((x0, y0, x1, y1))
    files = sorted(boxes)
    images = [np.asarray(load_rgb(folder / f)).transpose(2, 0, 1) for f in files]
    labels = tuple(list(SYNSETS).index(Path(f).parent.name) for f in files)
    areas = [sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes[f]) for f in files]
    small = torch.tensor([area < SMALL for area in areas])
    return Boxed(
        torch.from_numpy(np.stack(images)), labels, tuple(tuple(boxes[f]) for f in files), small
    )


def points(maps: Tensor, size: int) -> Tensor:
    """Return (x, y) of each map's maximum, as fractions of the image: (B, h, w) -> (B, 2)."""
    flat = upsample(maps.float(), (size, size)).flatten(1).argmax(1)
    return torch.stack([(flat % size + 0.5) / size, (flat // size + 0.5) / size], 1)


def hits(places: Tensor, boxes: Boxes) -> Tensor:
    """Return which places (N, 2) lie in a box of their image: bool (N,)."""
    inside = [
        any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in image)
        for (x, y), image in zip(places.tolist(), boxes, strict=True)
    ]
    return torch.tensor(inside)


def score(network: Network, boxed: Boxed, batch: int = 25) -> Iterator[Score]:
    """Play the game for every mask and Grad-CAM of a ten-class network, target the true class."""
    maps: dict[tuple[str, str], list[Tensor]] = {}
    for start in range(0, len(boxed.labels), batch):
        images = normalise(boxed.images[start : start + batch])
        explanation = explain_images(network, images, boxed.labels[start : start + batch])
        for method in [m for m in DEFAULT_METHODS if m in explanation.maps]:
            for stage, values in explanation.maps[method].items():
                maps.setdefault((stage, method), []).append(values)
    size = boxed.images.shape[-1]
    centre = hits(torch.full((len(boxed.labels), 2), 0.5), boxed.boxes)
    for (stage, method), parts in maps.items():
        yield _score(stage, method, torch.cat(parts), boxed, centre, size)


def _score(
    stage: str, method: str, values: Tensor, boxed: Boxed, centre: Tensor, size: int
) -> Score:
    maxima = points(values, size)
    hit, small = hits(maxima, boxed.boxes), boxed.small
    flat = values.flatten(1)
    contrast = (flat.amax(1) - flat.amin(1)) / flat.abs().amax(1).clamp_min(1e-12)
    cells = (maxima * 7).long()
    corner = ((cells == 0) | (cells == 6)).all(1)
    return Score(
        stage=stage,
        method=method,
        hit_all=hit.float().mean().item(),
        hit_small=hit[small].float().mean().item(),
        centre_all=centre.float().mean().item(),
        centre_small=centre[small].float().mean().item(),
        contrast=contrast.mean().item(),
        corner=corner.float().mean().item(),
        cells=len(set(map(tuple, cells.tolist()))),
    )
