"""A small darkroom: noise, blur, masks and film, on float arrays [h, w, 3] in linear light."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Array = NDArray[np.float32]
Point = tuple[float, float]
Colour = Sequence[float]

WIDTH, HEIGHT, SUPER = 1200, 900, 2
SIZE = (HEIGHT * SUPER, WIDTH * SUPER)


def grid() -> tuple[Array, Array]:
    """Return x and y of every sample, in picture pixels (0..1200, 0..900)."""
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32) / SUPER
    return x, y


def resize(plane: Array, size: tuple[int, int]) -> Array:
    """Resize [h, w] to `size` (h, w), smoothly."""
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(image.resize(size[::-1], Image.Resampling.BICUBIC), np.float32)


def noise(
    seed: int, cell: Point, octaves: int = 5, gain: float = 0.5, size: tuple[int, int] = SIZE
) -> Array:
    """Return fractal noise [h, w], mean 0, deviation 1; `cell` is (x, y) of the coarsest grain."""
    rng = np.random.default_rng(seed)
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        finer = [n / (c * SUPER) * 2**octave for n, c in zip(size, cell[::-1], strict=True)]
        cells = [min(max(2, int(f) + 2), n) for f, n in zip(finer, size, strict=True)]
        total += gain**octave * resize(rng.standard_normal(cells).astype(np.float32), size)
    return (total - total.mean()) / total.std()


def _box(a: Array, radius: int, axis: int) -> Array:
    padded = np.pad(
        a, [(radius + 1, radius) if i == axis else (0, 0) for i in range(a.ndim)], "edge"
    )
    sums = np.cumsum(padded, axis=axis, dtype=np.float64)
    n = a.shape[axis]
    high = np.take(sums, np.arange(2 * radius + 1, 2 * radius + 1 + n), axis)
    low = np.take(sums, np.arange(n), axis)
    return ((high - low) / (2 * radius + 1)).astype(np.float32)


def blur(a: Array, sigma: float) -> Array:
    """Blur by `sigma` picture pixels: three box filters, nearly Gaussian."""
    radius = round(sigma * SUPER)
    for _ in range(3 if radius > 0 else 0):
        a = _box(_box(a, radius, 0), radius, 1)
    return a


def mask(polygons: Iterable[Sequence[Point]]) -> Array:
    """Return coverage 0..1 of polygons given in picture pixels."""
    image = Image.new("L", SIZE[::-1])
    draw = ImageDraw.Draw(image)
    for polygon in polygons:
        draw.polygon([(x * SUPER, y * SUPER) for x, y in polygon], fill=255)
    return np.asarray(image, np.float32) / 255


def strokes(lines: Iterable[tuple[Sequence[Point], float]]) -> Array:
    """Return coverage 0..1 of lines (points, width), all in picture pixels."""
    image = Image.new("L", SIZE[::-1])
    draw = ImageDraw.Draw(image)
    for points, width in lines:
        scaled = [(x * SUPER, y * SUPER) for x, y in points]
        draw.line(scaled, fill=255, width=max(1, round(width * SUPER)), joint="curve")
    return np.asarray(image, np.float32) / 255


def step(low: float, high: float, a: Array) -> Array:
    """Return 0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((a - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a: Array, b: Array | Colour, amount: Array) -> Array:
    """Blend `b` over `a` [h, w, 3] by `amount` [h, w]."""
    return a + (np.asarray(b, np.float32) - a) * amount[..., None]


def ramp(t: Array, stops: Sequence[tuple[float, Colour]]) -> Array:
    """Return colours [..., 3] along `stops` (position, colour)."""
    at = [position for position, _ in stops]
    return np.stack(
        [np.interp(t, at, [colour[c] for _, colour in stops]) for c in range(3)], -1
    ).astype(np.float32)


def develop(light: Array, seed: int, *, exposure: float = 1.0, grain: float = 0.012) -> Image.Image:
    """Turn linear light into a picture: glow, vignette, film curve, grain."""
    x, y = grid()
    light = light + 0.06 * blur(np.maximum(light - 0.8, 0), 14)
    far = np.hypot((x - WIDTH / 2) / WIDTH, (y - HEIGHT / 2) / HEIGHT)
    light = np.maximum(light * exposure * (1 - 0.45 * far**2)[..., None], 0)
    film = (light * (2.51 * light + 0.03)) / (light * (2.43 * light + 0.59) + 0.14)
    small = film.reshape(HEIGHT, SUPER, WIDTH, SUPER, 3).mean((1, 3))
    shown = np.clip(small, 0, 1) ** (1 / 2.2)
    rng = np.random.default_rng(seed)
    shown += grain * rng.standard_normal((HEIGHT, WIDTH, 1)) * (1.15 - shown)
    return Image.fromarray((np.clip(shown, 0, 1) * 255 + 0.5).astype(np.uint8))
