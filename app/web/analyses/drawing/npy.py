"""Reading the maps' NPY files without numpy, which would double what the web process holds."""

from __future__ import annotations

import ast
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

MAGIC = b"\x93NUMPY"
CODES = {"<f2": "e", "<f4": "f"}
ALIGNED = 64  # bytes: where the values of a file may begin


@dataclass(frozen=True)
class Grid:
    """A map, row by row (channel by channel first); `shape` is [h, w] or [c, h, w]."""

    shape: tuple[int, ...]
    values: tuple[float, ...]

    def channel(self, which: str) -> Grid:
        """Return [h, w]: `mean`, `max`, `l2` (norm) over the channels, or one by its number.

        IndexError for a channel that the map does not have.
        """
        if len(self.shape) == 2:
            return self
        count, height, width = self.shape
        size = height * width
        planes = [self.values[n * size : (n + 1) * size] for n in range(count)]
        return Grid((height, width), _reduce(planes, which))

    def nested(self, digits: int) -> list[object]:
        """Return nested lists of numbers with so many significant digits; none for no number."""
        flat: list[object] = [
            float(f"{value:.{digits}g}") if math.isfinite(value) else None for value in self.values
        ]
        for side in reversed(self.shape[1:]):
            flat = [flat[n : n + side] for n in range(0, len(flat), side)]
        return flat


@dataclass(frozen=True)
class Head:
    """What an NPY file says before its values, and where these begin."""

    descr: str
    shape: tuple[int, ...]
    start: int

    @property
    def code(self) -> str:
        """The letter of `struct` for one value."""
        return CODES[self.descr]


def head(blob: bytes) -> Head:
    """Read the head of a file of float16 or float32 in C order; ValueError for any other."""
    if not blob.startswith(MAGIC):
        raise ValueError("not an NPY file")
    length_code, start = ("<H", 10) if blob[6] == 1 else ("<I", 12)
    [length] = struct.unpack_from(length_code, blob, 8)
    header = ast.literal_eval(blob[start : start + length].decode("latin-1"))
    if header["descr"] not in CODES or header["fortran_order"]:
        raise ValueError(f"maps are float16 or float32 in C order, not {header}")
    return Head(header["descr"], tuple(header["shape"]), start + length)


def read(blob: bytes) -> Grid:
    """Read an NPY file of float16 or float32 in C order; ValueError for any other."""
    known = head(blob)
    values = struct.unpack_from(f"<{math.prod(known.shape)}{known.code}", blob, known.start)
    return Grid(known.shape, values)


def part(blob: bytes, index: int) -> bytes:
    """Return the NPY file of one element of the first axis; IndexError where there is none."""
    known = head(blob)
    if not 0 <= index < known.shape[0]:
        raise IndexError(index)
    size = math.prod(known.shape[1:]) * struct.calcsize(known.code)
    first = known.start + index * size
    return written(known.descr, known.shape[1:], blob[first : first + size])


def written(descr: str, shape: Sequence[int], values: bytes) -> bytes:
    """Return the NPY file of values in C order."""
    sides = "".join(f"{side}, " for side in shape)
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sides}), }}"
    short = -(len(MAGIC) + 5 + len(header)) % ALIGNED
    text = f"{header}{' ' * short}\n".encode("latin-1")
    return MAGIC + b"\x01\x00" + struct.pack("<H", len(text)) + text + values


def _reduce(planes: Sequence[tuple[float, ...]], which: str) -> tuple[float, ...]:
    cells = zip(*planes, strict=True)
    if which == "mean":
        return tuple(sum(cell) / len(planes) for cell in cells)
    if which == "max":
        return tuple(max(cell) for cell in cells)
    if which == "l2":
        return tuple(math.hypot(*cell) for cell in cells)
    return planes[int(which)]
