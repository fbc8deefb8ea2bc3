"""Motion in colour: the hue is the direction, the saturation the length.

The wheel is that of Baker et al., "A Database and Evaluation Methodology for Optical Flow" (ICCV
2007, IJCV 2011), whose 55 hues pass more slowly where the eye tells them apart better. Nothing
that moves is white; what is longer than the scale is a little darker.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from app.web.analyses.drawing.npy import Array
from app.web.analyses.drawing.png import Size, encode

STEPS = (15, 6, 4, 11, 13, 6)  # from red to yellow, green, cyan, blue, magenta and red again
CORNERS = ((1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1), (1, 0, 0))
BEYOND = 0.75  # how bright a colour is that is longer than the scale
SHORTEST = 1e-6  # that a scale can be, so that dividing by it stays finite


@cache
def hues() -> npt.NDArray[np.float64]:
    """Return the 55 colours of the rim, [55, 3] from 0 to 1; the first, red, is motion right."""
    parts = [
        np.linspace(start, end, count, endpoint=False)
        for count, start, end in zip(STEPS, CORNERS[:-1], CORNERS[1:], strict=True)
    ]
    return np.concatenate(parts)


def colours(flow: Array) -> npt.NDArray[np.uint8]:
    """Return the colours of motions [2, ...] as [..., 3].

    x is to the right and y downwards; length 1 is the rim.
    """
    x, y = flow.astype(np.float64)
    wheel = hues()
    length = np.hypot(x, y)[..., None]
    place = (np.arctan2(-y, -x) / np.pi + 1) / 2 * (len(wheel) - 1)
    low = place.astype(int)
    part = (place - low)[..., None]
    rim = (1 - part) * wheel[low] + part * wheel[(low + 1) % len(wheel)]
    shown: npt.NDArray[np.float64] = np.where(length <= 1, 1 - length * (1 - rim), rim * BEYOND)
    return (255 * shown).astype(np.uint8)


def draw(flow: Array, size: Size, scale: float | None = None) -> bytes:
    """Return PNG bytes of a flow [2, h, w].

    Args:
        flow: x to the right and y downwards.
        size: Width and height of the picture.
        scale: The length at the rim, in the flow's own unit; None for the longest motion in it.
    """
    exact = flow.astype(np.float64)
    longest = max(scale or float(np.hypot(*exact).max()) or 1.0, SHORTEST)
    picture = Image.fromarray(colours(exact / longest))
    return encode(picture.resize(size, Image.Resampling.BILINEAR))
