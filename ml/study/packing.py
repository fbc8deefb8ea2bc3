"""Numbers of single photos in JSON: small, exact, and read back without a network."""

from __future__ import annotations

import base64
import zlib
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Packed: TypeAlias = str


def pack(values: npt.NDArray[Any]) -> Packed:
    """Return an array's bytes, little-endian, as base64 of their zlib stream."""
    ordered = values.astype(values.dtype.newbyteorder("<"))
    return base64.b64encode(zlib.compress(ordered.tobytes(), 9)).decode("ascii")


def unpack(packed: Packed, dtype: str) -> npt.NDArray[Any]:
    """Return the one-dimensional array that was packed; `dtype` as numpy has it, such as `<f2`."""
    return np.frombuffer(zlib.decompress(base64.b64decode(packed)), np.dtype(dtype)).copy()


def pack_classes(classes: npt.NDArray[Any], beside: npt.NDArray[Any] | int = 0) -> Packed:
    """Pack class indices below 256, as differences: small where most are those `beside` them."""
    return pack((classes - beside).astype(np.uint8))


def unpack_classes(packed: Packed, beside: npt.NDArray[Any] | int = 0) -> npt.NDArray[np.int64]:
    """Return what `pack_classes` packed beside the same classes."""
    return (unpack(packed, "u1") + beside).astype(np.uint8).astype(np.int64)


def pack_shares(shares: npt.NDArray[Any]) -> Packed:
    """Pack numbers as float16, whose steps below 1 are at most 0.0005."""
    return pack(shares.astype(np.float16))


def unpack_shares(packed: Packed) -> npt.NDArray[np.float64]:
    """Return what `pack_shares` packed."""
    return unpack(packed, "<f2").astype(np.float64)


def pack_flags(flags: npt.NDArray[np.bool_]) -> Packed:
    """Pack booleans, eight in a byte."""
    return pack(np.packbits(flags))


def unpack_flags(packed: Packed, count: int) -> npt.NDArray[np.bool_]:
    """Return the `count` booleans that `pack_flags` packed."""
    return np.unpackbits(unpack(packed, "u1"), count=count).astype(bool)
