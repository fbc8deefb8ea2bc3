"""How a picture is fitted to a network's input, and how large that makes it."""

from __future__ import annotations

import math
from typing import Literal, get_args

Fit = Literal["shape", "squash", "crop"]
"""What a network is given of a picture.

- shape: all of it, at its own proportions.
- squash: all of it, as a square.
- crop: the square in its middle.
"""
CLIP_FIT: Fit = "shape"  # of a clip's frames; they are never cropped
FITS: tuple[Fit, ...] = get_args(Fit)
MOST = 3  # times the area of the square: what a long picture may cost
LEAST = 32  # pixels a side: one cell of the late stage


def fitted_size(width: int, height: int, size: int, fit: Fit) -> tuple[int, int]:
    """Return the width and height in pixels at which a network sees a picture.

    With `shape`, `size` is the shorter side. A picture that is longer than `MOST` times its
    width is shrunk to the area of `MOST` squares; only if a side would fall below `LEAST`
    are its proportions lost.

    Args:
        width: Of the picture; only width by height counts.
        height: Of the picture.
        size: Side of the square.
        fit: How it is fitted.
    """
    if fit != "shape":
        return size, size
    ratio = max(width, height) / min(width, height)
    exact = size * min(1.0, math.sqrt(MOST / ratio))
    short = max(LEAST, round(exact))
    long = min(round(exact * ratio), MOST * size * size // short)
    return (long, short) if width >= height else (short, long)
