"""The kinds of photos on which the study asks every network: the same pictures for every one.

Each scene takes validation images in one order, drawn from the seed: the first of one are also the
first of the others, and each has its ground and its place from the same draws. So networks, and
scenes, can be compared photo by photo. The box of a placed photo is that of the whole photo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml.localise import Box, Boxed, Boxes
from ml.media.place import TILE, box, place, scrambled
from ml.train.tasks.photos.data import Images, augment

SIDE = 224  # px
BATCH = 50
SHARES = {"placed50": 0.5, "placed35": 0.35, "placed25": 0.25, "placed15": 0.15}
LARGE, LITTLE = 0.45, 0.25  # shares of the side in `several`; the label is the large one's
PIECES = 4  # tiles on a side of `pieces`, so large that they show parts of a thing

Pixels: TypeAlias = npt.NDArray[np.uint8]

TITLES = {
    "ordinary": "ordinary photos",
    "placed50": "placed at 50 %",
    "placed35": "placed at 35 %",
    "placed25": "placed at 25 %",
    "placed15": "placed at 15 %",
    "several": "the larger of three",
    "pieces": "on pieces of others",
    "boxed224": "photos with boxes",
}


@dataclass(frozen=True)
class Batch:
    """Pictures (B, 3, side, side) in 0..255, their labels (B,), and each picture's boxes, if any.

    Boxes are left, top, right, bottom as fractions of the side.
    """

    start: int
    pictures: Tensor
    labels: Tensor
    boxes: Boxes


@dataclass(frozen=True)
class Scene:
    """Labelled pictures of one kind.

    Attributes:
        name: What it is called in records.
        labels: Of all pictures, (N,).
        draw: Pictures and boxes from one index up to another.
        boxed: Whether it is known where the objects are.
        small: Which pictures have small objects, (N,), if that is told apart.
    """

    name: str
    labels: Tensor
    draw: Callable[[int, int], tuple[Tensor, Boxes]]
    boxed: bool = True
    small: Tensor | None = None

    def batches(self, size: int = BATCH) -> Iterator[Batch]:
        """Yield the pictures in order; a single one that is left over goes with the last batch."""
        count = len(self.labels)
        edges = [*range(0, max(1, count - 1), size), count]
        for start, stop in pairwise(edges):
            pictures, boxes = self.draw(start, stop)
            yield Batch(start, pictures, self.labels[start:stop], boxes)


@dataclass(frozen=True)
class Photos:
    """A validation split in the order of the study; pictures of scenes are made from it."""

    images: Images
    seed: int
    side: int = SIDE

    @property
    def order(self) -> Tensor:
        """Return the indices of the images, in an order that the seed decides."""
        generator = torch.Generator().manual_seed(self.seed)
        return torch.randperm(len(self.images.labels), generator=generator)

    def ordinary(self) -> Scene:
        """Return all images, resized as a training run's validation resizes them."""
        order = self.order

        def draw(start: int, stop: int) -> tuple[Tensor, Boxes]:
            chosen = self.images.images[order[start:stop]]
            return augment(chosen, self.side, 0, strength=0), ((),) * (stop - start)

        return Scene("ordinary", self.images.labels[order], draw, boxed=False)

    def placed(self, name: str, count: int) -> Scene:
        """Return photos shrunk to a share of the side, anywhere on scrambled tiles.

        Args:
            name: One of `SHARES`.
            count: How many; fewer if there are not so many images.
        """
        return self._scene(name, count, lambda lot: self._placed(lot, SHARES[name], TILE))

    def pieces(self, count: int) -> Scene:
        """Return photos at 35 % of the side on large tiles, each a part of another thing."""
        return self._scene(
            "pieces", count, lambda lot: self._placed(lot, SHARES["placed35"], self.side // PIECES)
        )

    def several(self, count: int) -> Scene:
        """Return a large photo, which is asked for, and two little ones of other classes."""
        return self._scene("several", count, self._several)

    def _scene(self, name: str, count: int, picture: Callable[[_Lot], tuple[Pixels, Box]]) -> Scene:
        chosen = self.order[:count].tolist()
        labels = self.images.labels.numpy()

        def draw(start: int, stop: int) -> tuple[Tensor, Boxes]:
            drawn = [picture(_Lot(labels, i, self.seed)) for i in chosen[start:stop]]
            pictures = torch.from_numpy(np.stack([p for p, _ in drawn]).transpose(0, 3, 1, 2))
            return pictures, tuple((where,) for _, where in drawn)

        return Scene(name, self.images.labels[chosen], draw)

    def _pixels(self, index: int) -> Pixels:
        pixels: Pixels = self.images.images[index].permute(1, 2, 0).numpy()
        return pixels

    def _placed(self, lot: _Lot, share: float, tile: int) -> tuple[Pixels, Box]:
        ground = scrambled(self._pixels(lot.other()), self.side, tile, lot.number())
        return self._on(ground, lot.index, share, *lot.place())

    def _several(self, lot: _Lot) -> tuple[Pixels, Box]:
        """Put each photo into a quarter of its own, so that none covers another."""
        others = [lot.other() for _ in range(3)]
        picture = scrambled(self._pixels(others.pop()), self.side, TILE, lot.number())
        quarters = lot.quarters()
        for index in others:
            picture, _ = self._on(picture, index, LITTLE, *lot.place_in(next(quarters), LITTLE))
        return self._on(picture, lot.index, LARGE, *lot.place_in(next(quarters), LARGE))

    def _on(
        self, ground: Pixels, index: int, share: float, x: float, y: float
    ) -> tuple[Pixels, Box]:
        photo = self._pixels(index)
        where = box(photo.shape, self.side, share, x, y)
        return place(photo, ground, share, x, y), where


class _Lot:
    """What chance decides for one photo; the same draws whatever the scene."""

    def __init__(self, labels: npt.NDArray[np.int64], index: int, seed: int) -> None:
        self.index = index
        self._labels = labels
        self._random = np.random.default_rng((seed, index))

    def other(self) -> int:
        """Return an image of another class."""
        return int(self._random.choice(np.flatnonzero(self._labels != self._labels[self.index])))

    def number(self) -> int:
        """Return a seed."""
        return int(self._random.integers(2**31))

    def quarters(self) -> Iterator[tuple[int, int]]:
        """Yield the four quarters, as column and row, in a random order."""
        for quarter in self._random.permutation(4).tolist():
            yield quarter % 2, quarter // 2

    def place(self) -> tuple[float, float]:
        """Return where in the free room, x and y in 0..1."""
        return float(self._random.random()), float(self._random.random())

    def place_in(self, quarter: tuple[int, int], share: float) -> tuple[float, float]:
        """Return the same for a photo of a share of the side that stays within a quarter."""
        x, y = self.place()
        left, top = (q / 2 + at * (0.5 - share) for q, at in zip(quarter, (x, y), strict=True))
        return left / (1 - share), top / (1 - share)


def boxed224(boxed: Boxed) -> Scene:
    """Return the photos with boxes of their objects, those with small ones marked."""

    def draw(start: int, stop: int) -> tuple[Tensor, Boxes]:
        return boxed.images[start:stop], boxed.boxes[start:stop]

    return Scene("boxed224", torch.tensor(boxed.labels), draw, small=boxed.small)
