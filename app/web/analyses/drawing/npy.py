"""The maps' NPY files as arrays, and what is read out of a map."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
KINDS = (np.dtype("<f2"), np.dtype("<f4"))


def load(blob: bytes) -> Array:
    """Return the array of a file of float16 or float32 in C order; ValueError for any other."""
    try:
        array: Array = np.lib.format.read_array(io.BytesIO(blob), allow_pickle=False)
    except ValueError as error:
        raise ValueError("not an NPY file of numbers") from error
    if array.dtype not in KINDS or not array.flags.c_contiguous:
        raise ValueError(f"maps are float16 or float32 in C order, not {array.dtype}")
    return array


def dump(array: Array) -> bytes:
    """Return the NPY file of an array."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def channel(array: Array, which: str) -> Array:
    """Return [h, w] of a map [h, w] or [c, h, w], in float64.

    Args:
        array: The map; one without channels is returned as it is.
        which: `mean`, `max` or `l2` (norm) over the channels, or the number of one.

    Raises:
        IndexError: If the map does not have the channel.
    """
    values: Array = array.astype(np.float64)
    if values.ndim == 2:
        return values
    if which == "mean":
        return np.asarray(values.mean(axis=0))
    if which == "max":
        return np.asarray(values.max(axis=0))
    if which == "l2":
        return np.asarray(np.linalg.norm(values, axis=0))
    return np.asarray(values[int(which)])


def combined(stages: Sequence[Array], shape: Sequence[int]) -> Array:
    """Return one map [h, w] of `shape` for all stages, by the rule of `ml.explain.combine`.

    Each stage's positive part is scaled to 0..1, laid over bilinearly, and the stages averaged; one
    without any contrast counts as 0.
    """
    total = np.zeros(shape)
    for stage in stages:
        positive = np.maximum(stage, 0)
        span = float(np.ptp(positive))
        if span > 0:
            down, across = map(_linear, stage.shape, shape)
            total += down.T @ ((positive - positive.min()) / span) @ across
    return total / len(stages)


def _linear(before: int, after: int) -> Array:
    """Return the matrix (before, after) of linear upsampling, pixel centres aligned."""
    places = (np.arange(after) + 0.5) * before / after - 0.5
    return np.array([np.interp(places, np.arange(before), row) for row in np.eye(before)])


def nested(array: Array, digits: int) -> list[object]:
    """Return nested lists of numbers with `digits` significant digits; None for NaN, infinity."""
    finite = np.isfinite(array).ravel()
    flat = [
        float(f"{value:.{digits}g}") if is_finite else None
        for value, is_finite in zip(array.ravel().tolist(), finite, strict=True)
    ]
    lists: list[object] = np.array(flat, dtype=object).reshape(array.shape).tolist()
    return lists
