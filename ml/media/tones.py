"""Numbers that are no 8-bit tones: which of them is black, which is white, and a note on that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

GREY = frozenset(("I;16", "I;16L", "I;16B", "I;16N", "I", "F"))  # Pillow clips what it converts
INTEGER_TOPS = (255, 1023, 4095, 16383, 65535)  # of 8, 10, 12, 14 and 16 bits
FLOAT_TOPS = (1, 255, 65535)
LEAST_SHARE = 1 / 8  # of the usual range: what spans less is shown by its own range
FULL = (0.0, 65535.0)
FEW = 64  # 8-bit levels: 16-bit colour with less than these may hold 14-bit data or fewer
BAND = 256  # rows at a time: a large photo does not fit in memory as float64
SAME_SHARE, SAME_LEVELS = 0.99, 8


def grey(image: Image.Image) -> tuple[Image.Image, str | None]:
    """Return wide grey as 8 bits, and a note unless it is 16-bit data in 16 bits."""
    values = np.asarray(image)
    shown, span, note = _toned(values)
    is_full = image.mode not in {"I", "F"} and span == FULL
    return Image.fromarray(shown), None if is_full else note


def is_deep(file: ImageFile.ImageFile) -> bool:
    """Return whether a file that is not loaded yet has 16 bits a colour channel."""
    if file.mode not in {"RGB", "RGBA"} or not file.tile:
        return False
    args = file.tile[0].args
    return ";16" in str(args[0] if isinstance(args, tuple) else args)


def deepen(image: Image.Image, path: Path) -> str | None:
    """Read 16-bit colour again if it holds fewer bits, of which Pillow keeps the upper 8.

    Args:
        image: RGB or RGBA as Pillow has read it; its colours are replaced.
        path: Its file.

    Returns:
        A note, or None if nothing had to be done.
    """
    extremes = image.getextrema()[:3]
    if max(high for _, high in extremes) >= FEW:  # type: ignore[misc]
        return None
    import cv2  # few photos need it

    whole = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if whole is None or whole.dtype != np.uint16 or whole.shape[:2] != image.size[::-1]:
        return None
    shown, _, note = _toned(whole[..., 2::-1])
    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        image.paste(Image.fromarray(shown))
        image.putalpha(alpha)
    else:
        image.paste(Image.fromarray(shown))
    return note


def nearly_one_colour(image: Image.Image) -> str | None:
    """Return a note if 99 % of an RGB picture's pixels are within 8 levels in every channel."""
    counts = np.array(image.histogram()).reshape(-1, 256).cumsum(1)
    outside = counts[0, -1] * (1 - SAME_SHARE) / 2
    first = (counts > outside).argmax(1)
    last = (counts >= counts[0, -1] - outside).argmax(1)
    if (last - first).max() > SAME_LEVELS:
        return None
    return "The photo is nearly of one colour: what a model says about it means little."


def _toned(values: np.ndarray) -> tuple[np.ndarray, tuple[float, float], str]:
    """Return uint8 of the same shape, which values are black and white, and a note on these."""
    low, high, gaps = _extremes(values)
    span = start, end = _span(low, high, whole=values.dtype.kind in "iu")

    def levels(numbers: np.ndarray) -> np.ndarray:
        filled = np.nan_to_num(numbers.astype(np.float64), nan=low, posinf=high, neginf=low)
        scaled = np.rint((filled - start) * (255 / (end - start)))
        return scaled.clip(0, 255).astype(np.uint8)

    table = levels(np.arange(65536)) if values.dtype == np.uint16 else None  # many times faster
    shown = np.empty(values.shape, np.uint8)
    for at, band in _bands(values):
        shown[at] = levels(band) if table is None else table[band]
    note = (
        f"The file's numbers go from {_said(low)} to {_said(high)}: {_said(start)} is shown black, "
        f"{_said(end)} white."
    )
    return shown, span, note + (" Pixels without a number are shown as the lowest." * gaps)


def _said(number: float) -> str:
    return f"{number:.0f}" if 1000 <= abs(number) < 1e9 else f"{number:.3g}"


def _span(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """Return which numbers are black and white: the least usual range that they fill enough."""
    tops = INTEGER_TOPS if whole else FLOAT_TOPS
    top = next((float(top) for top in tops if low >= 0 and high <= top), None)
    if top is not None and not 0 < high - low < LEAST_SHARE * top:
        return 0.0, top
    return low, high if high > low else low + 1


def _extremes(values: np.ndarray) -> tuple[float, float, bool]:
    """Return the lowest and the highest number, and whether some pixels have none."""
    low, high, gaps = np.inf, -np.inf, False
    for _, band in _bands(values):
        numbers = band if values.dtype.kind != "f" else band[np.isfinite(band)]
        gaps = gaps or numbers.size < band.size
        if numbers.size:
            low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
    return (low, high, gaps) if low <= high else (0.0, 0.0, gaps)


def _bands(values: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    for first in range(0, len(values), BAND):
        at = slice(first, first + BAND)
        yield at, values[at]
