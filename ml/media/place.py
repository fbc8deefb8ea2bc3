"""A photo made small, at any place on a ground of shuffled tiles: where is the object now?

What training's placed views, the study and a photo's page show to a network. The ground has the
colours and textures of a picture, but no object: its tiles are shuffled.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
GROUND = Path(__file__).parents[2] / "static" / "ground.jpg"
"""What a photo is put on that somebody uploads: a page shows the same file.

`scrambled(coffee, 448, 32, seed=0)` of a cup of coffee, which is none of the ten things
(photograph by Rachel Michetti, CC0, from scikit-image).
"""
LEAST_SHARE = 0.1
TILE = 16  # px at 224: a cell of the medium stage


class Place(NamedTuple):
    """How small a photo is made and where it is put; see `place`."""

    share: float
    x: float
    y: float


def scrambled(picture: Pixels, side: int, tile: int, seed: int) -> Pixels:
    """Return a picture as a square of shuffled tiles, uint8 [side, side, 3].

    Args:
        picture: uint8 [H, W, 3], RGB; it is squashed to the square.
        side: Of the square, in pixels; if it is no multiple of the tile, the tiles at the right
            and at the bottom are cut.
        tile: Side of a tile, in pixels, 1 to `side`.
        seed: Of the order of the tiles, 0 or more; the same seed gives the same square.
    """
    count = -(-side // tile)
    square = _resized(picture, count * tile, count * tile)
    tiles = square.reshape(count, tile, count, tile, 3).swapaxes(1, 2).reshape(-1, tile, tile, 3)
    shuffled = tiles[np.random.default_rng(seed).permutation(count * count)]
    whole = shuffled.reshape(count, count, tile, tile, 3).swapaxes(1, 2)
    return np.ascontiguousarray(whole.reshape(square.shape)[:side, :side])


def place(photo: Pixels, ground: Pixels, share: float, x: float, y: float) -> Pixels:
    """Return the ground with the photo on it, at its own proportions; uint8 [side, side, 3].

    Args:
        photo: uint8 [H, W, 3], RGB.
        ground: uint8 [side, side, 3]; it is not changed.
        share: Of the ground's side that the photo's longer side takes, above 0, at most 1.
        x: Where the photo is in the free width: 0 at the left, 1 at the right.
        y: Where it is in the free height: 0 at the top, 1 at the bottom.
    """
    left, top, right, bottom = _pixels(photo.shape, len(ground), share, x, y)
    out = ground.copy()
    out[top:bottom, left:right] = _resized(photo, right - left, bottom - top)
    return out


def on_ground(photo: Pixels, side: int, at: Place) -> Pixels:
    """Return the photo on `GROUND`, uint8 [side, side, 3]; at 224 px its tiles have 16."""
    return place(photo, _resized(_ground(), side, side), *at)


def box(
    photo_shape: tuple[int, ...], side: int, share: float, x: float, y: float
) -> tuple[float, float, float, float]:
    """Return where `place` puts a photo: left, top, right, bottom as fractions 0..1 of the side.

    Args:
        photo_shape: Height and width of the photo; what follows them does not count.
        side: Of the ground, in pixels.
        share: As in `place`.
        x: As in `place`.
        y: As in `place`.
    """
    left, top, right, bottom = _pixels(photo_shape, side, share, x, y)
    return left / side, top / side, right / side, bottom / side


@cache
def _ground() -> Pixels:
    with Image.open(GROUND) as file:
        return np.asarray(file.convert("RGB"), np.uint8)


def _pixels(
    shape: tuple[int, ...], side: int, share: float, x: float, y: float
) -> tuple[int, int, int, int]:
    height, width = shape[:2]
    scale = share * side / max(height, width)
    wide, high = (max(1, round(length * scale)) for length in (width, height))
    left, top = round(x * (side - wide)), round(y * (side - high))
    return left, top, left + wide, top + high


def _resized(picture: Pixels, width: int, height: int) -> Pixels:
    if picture.shape[:2] == (height, width):
        return picture
    smaller = width * height < picture.shape[0] * picture.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)
