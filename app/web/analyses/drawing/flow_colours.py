"""Motion in colour: the hue is the direction, the saturation the length.

The wheel is that of Baker et al., "A Database and Evaluation Methodology for Optical Flow" (ICCV
2007, IJCV 2011), whose 55 hues pass more slowly where the eye tells them apart better. Nothing
that moves is white; what is longer than the scale is a little darker.
"""

from __future__ import annotations

import math
from functools import cache

from app.web.analyses.drawing.npy import Grid
from app.web.analyses.drawing.png import encode

Colour = tuple[float, float, float]
STEPS = (15, 6, 4, 11, 13, 6)  # from red to yellow, green, cyan, blue, magenta and red again
CORNERS = ((1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1), (1, 0, 0))
BEYOND = 0.75  # how bright a colour is that is longer than the scale


@cache
def hues() -> tuple[Colour, ...]:
    """Return the 55 colours of the rim; the first, red, is motion to the right."""
    found = []
    for count, start, end in zip(STEPS, CORNERS[:-1], CORNERS[1:], strict=True):
        for step in range(count):
            share = step / count
            red, green, blue = (a + (b - a) * share for a, b in zip(start, end, strict=True))
            found.append((red, green, blue))
    return tuple(found)


def colour(x: float, y: float) -> tuple[int, int, int]:
    """Return the colour of a motion, x to the right and y downwards; length 1 is the rim."""
    wheel = hues()
    length = math.hypot(x, y)
    place = (math.atan2(-y, -x) / math.pi + 1) / 2 * (len(wheel) - 1)
    low = int(place)
    part = place - low
    around = zip(wheel[low], wheel[(low + 1) % len(wheel)], strict=True)
    rim = [(1 - part) * a + part * b for a, b in around]
    shown = [1 - length * (1 - c) if length <= 1 else c * BEYOND for c in rim]
    red, green, blue = (int(255 * c) for c in shown)
    return red, green, blue


def draw(flow: Grid, size: tuple[int, int], scale: float | None = None) -> bytes:
    """Return PNG bytes of a flow [2, h, w], drawn at `size` (width, height).

    `scale` is the length at the rim, in the flow's own unit; none: the longest motion in it.
    """
    from PIL import Image

    _, height, width = flow.shape
    count = height * width
    across, down = flow.values[:count], flow.values[count:]
    longest = scale or max(map(math.hypot, across, down)) or 1.0
    cells = [colour(x / longest, y / longest) for x, y in zip(across, down, strict=True)]
    picture = Image.frombytes("RGB", (width, height), bytes(c for cell in cells for c in cell))
    return encode(picture.resize(size, Image.Resampling.BILINEAR))
