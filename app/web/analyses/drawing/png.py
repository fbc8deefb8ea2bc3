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

    `alpha` is the opacity of the colours, 0..1; over a photo, that of the upper half of the scale.
    """

    size: int
    colormap: str
    alpha: float
    low: float
    high: float
    smooth: bool = True


def draw(grid: Array, style: Style, photo: bytes | None = None, shape: Size | None = None) -> bytes:
    """Return PNG bytes: the map alone as a square, or over `photo` (JPEG).

    `shape` is the picture's, of which only width by height counts; none: the photo's.
    """
    if photo is None:
        colours = _colour(_steps(grid, (style.size, style.size), style), style)
        if style.alpha < 1:
            colours.putalpha(round(style.alpha * 255))
        return encode(colours)
    background = Image.open(io.BytesIO(photo)).convert("RGB")
    width, height = shape or background.size
    scale = style.size / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    steps = _steps(grid, size, style)
    background = background.resize(size, Image.Resampling.BILINEAR)
    cover = steps.point(_opacities(style))
    return encode(Image.composite(_colour(steps, style), background, cover))


def _steps(grid: Array, size: Size, style: Style) -> Image.Image:
    """Return the values at `size` as indices of the colours; beyond the ends they stay those."""
    how = Image.Resampling.BILINEAR if style.smooth else Image.Resampling.NEAREST
    values = Image.fromarray(grid.astype(np.float32)).resize(size, how)
    width = style.high - style.low
    slope = 255.0 / width if width > 0 else 0.0
    offset = 0.5 - style.low * slope  # `convert` cuts the fraction off, so half a step rounds
    return values.point(lambda value: value * slope + offset).convert("L")


def _colour(steps: Image.Image, style: Style) -> Image.Image:
    colours = steps.copy()
    colours.putpalette(tables()[style.colormap].rgb)
    return colours.convert("RGB")


def _opacities(style: Style) -> list[int]:
    """How much each colour covers: where a map is low, the photo shows, as in the browser."""
    steps = np.arange(256)
    diverging = tables()[style.colormap].diverging
    heights = abs(steps - 127.5) / 127.5 if diverging else steps / 255
    return [round(255 * style.alpha * min(1.0, 2 * height)) for height in heights.tolist()]


def encode(image: Image.Image) -> bytes:
    """Return a picture as PNG."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=4)
    return out.getvalue()
