"""Draw one heatmap as PNG."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from app.web.analyses.drawing.colormaps import tables
from app.web.analyses.drawing.npy import Array

Size = tuple[int, int]


@dataclass(frozen=True)
class Style:
    """How to draw: `size` is the longest side in pixels, `low` and `high` the colormap's ends.

    `alpha` is the opacity of the colours, 0..1; below `threshold`, a share of the scale, it is 0. A
    `grey` style draws over the photo without its colours.
    """

    size: int
    colormap: str
    alpha: float
    low: float
    high: float
    smooth: bool = True
    threshold: float = 0.0
    grey: bool = False


def draw(grid: Array, style: Style, photo: bytes | None = None, shape: Size | None = None) -> bytes:
    """Return PNG bytes: the map alone as a square, or over `photo` (JPEG).

    `shape` is the picture's, of which only width by height counts; none: the photo's.
    """
    if photo is None:
        colours, shown = _colour(_stretch(grid, (style.size, style.size), style.smooth), style)
        if style.alpha < 1 or style.threshold:
            colours.putalpha(shown)
        return encode(colours)
    background = Image.open(io.BytesIO(photo)).convert("L" if style.grey else "RGB").convert("RGB")
    width, height = shape or background.size
    scale = style.size / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    colours, shown = _colour(_stretch(grid, size, style.smooth), style)
    background = background.resize(size, Image.Resampling.BILINEAR)
    if not style.threshold:
        return encode(Image.blend(background, colours, style.alpha))
    background.paste(colours, mask=shown)
    return encode(background)


def _stretch(grid: Array, size: Size, smooth: bool) -> Image.Image:
    """Return the values at `size`, still as 32-bit numbers."""
    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return Image.fromarray(grid.astype(np.float32)).resize(size, how)


def _colour(values: Image.Image, style: Style) -> tuple[Image.Image, Image.Image]:
    """Look the colours and their opacity up; below `low` and above `high` they are the ends'."""
    table = tables()[style.colormap]
    width = style.high - style.low
    slope = 255.0 / width if width > 0 else 0.0
    offset = 0.5 - style.low * slope  # `convert` cuts the fraction off, so half a step rounds
    steps = values.point(lambda value: value * slope + offset).convert("L")
    place = [abs(step - 127.5) / 127.5 if table.diverging else step / 255 for step in range(256)]
    alpha = round(style.alpha * 255)
    shown = steps.point([alpha if far >= style.threshold else 0 for far in place])
    steps.putpalette(table.rgb)
    return steps.convert("RGB"), shown


def encode(image: Image.Image) -> bytes:
    """Return a picture as PNG."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=4)
    return out.getvalue()
