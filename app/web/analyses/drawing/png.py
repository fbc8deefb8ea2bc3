"""Draw one heatmap as PNG."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from app.web.analyses.drawing.colormaps import tables
from app.web.analyses.drawing.npy import Array

Size = tuple[int, int]
SQUARE: Size = (1, 1)


@dataclass(frozen=True)
class Style:
    """How to draw: `size` is the longest side in pixels, `low` and `high` the colormap's ends.

    `alpha` is the opacity of the colours, 0..1; over a photo, that of the upper half of the scale.
    Below `threshold`, a share of the scale, nothing is drawn. A `grey` style draws over the photo
    without its colours.
    """

    size: int
    colormap: str
    alpha: float
    low: float
    high: float
    smooth: bool = True
    threshold: float = 0.0
    grey: bool = False


def draw(
    grid: Array, style: Style, shape: Size = SQUARE, photo: Image.Image | None = None
) -> bytes:
    """Return PNG bytes: the map alone, or over a photo.

    `shape` is the picture's, of which only width by height counts: both are stretched to it.
    """
    scale = style.size / max(shape)
    width, height = (max(1, round(side * scale)) for side in shape)
    values = _stretch(grid, (width, height), style.smooth)
    colours, shown = _colour(values, style, over=photo is not None)
    if photo is None:
        if style.alpha < 1 or style.threshold:
            colours.putalpha(shown)
        return encode(colours)
    below = photo.resize((width, height), Image.Resampling.BILINEAR)
    if style.grey:
        below = below.convert("L").convert("RGB")
    return encode(Image.composite(colours, below, shown))


def background(jpeg: bytes, *, centre: bool) -> Image.Image:
    """Return what a map is drawn over: the picture, or only the square in its middle."""
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    side = min(image.size)
    return ImageOps.fit(image, (side, side)) if centre else image


def _stretch(grid: Array, size: Size, smooth: bool) -> Image.Image:
    """Return the values at `size`, still as 32-bit numbers."""
    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return Image.fromarray(grid.astype(np.float32)).resize(size, how)


def _colour(values: Image.Image, style: Style, *, over: bool) -> tuple[Image.Image, Image.Image]:
    """Look the colours and their opacity up; below `low` and above `high` they are the ends'."""
    width = style.high - style.low
    slope = 255.0 / width if width > 0 else 0.0
    offset = 0.5 - style.low * slope  # `convert` cuts the fraction off, so half a step rounds
    steps = values.point(lambda value: value * slope + offset).convert("L")
    shown = steps.point(_opacities(style, over=over))
    steps.putpalette(tables()[style.colormap].rgb)
    return steps.convert("RGB"), shown


def _opacities(style: Style, *, over: bool) -> list[int]:
    """How much each colour covers: where a map is low, a photo shows, as in the browser."""
    steps = np.arange(256)
    diverging = tables()[style.colormap].diverging
    heights = abs(steps - 127.5) / 127.5 if diverging else steps / 255
    cover = np.minimum(1, 2 * heights) if over else np.ones(256)
    shown = cover * (heights >= style.threshold)
    return [round(255 * style.alpha * share) for share in shown.tolist()]


def encode(image: Image.Image) -> bytes:
    """Return a picture as PNG."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=4)
    return out.getvalue()
