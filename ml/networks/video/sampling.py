"""Which frames of a clip are sampled (TSN: Wang et al. 2016, arXiv:1608.00859, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.errors import MlError
from ml.networks.video.types import Seconds

MOST_SEGMENTS = 32
WHOLE_CLIP_FRAMES = 16  # what the 3D networks and the transformer see, as their authors have it


def segment_bounds(
    times: Sequence[float],
    segments: int = 8,
    start_s: float | None = None,
    end_s: float | None = None,
) -> Seconds:
    """Cut a clip, or a range of it, into equal parts: [K, 2], start and end in seconds.

    times: the presentation times of all frames, ascending. The last frame lasts as long as most.
    MlError for a clip without frames, a range that is empty or outside, or a count not 1 to 32.
    """
    if not len(times):
        raise MlError("The clip has no frames.")
    if not 1 <= segments <= MOST_SEGMENTS:
        raise MlError(f"segments goes from 1 to {MOST_SEGMENTS}, not {segments}.")
    last = float(times[-1]) + (float(np.median(np.diff(times))) if len(times) > 1 else 0.04)
    start = float(times[0]) if start_s is None else max(start_s, float(times[0]))
    end = last if end_s is None else min(end_s, last)
    if not start < end:
        raise MlError(
            f"There is nothing from {_seconds(start_s, start)} to {_seconds(end_s, end)}: the clip "
            f"goes from {times[0]:.2f} s to {last:.2f} s."
        )
    edges = np.linspace(start, end, segments + 1)
    return np.stack([edges[:-1], edges[1:]], 1)


def snippets(
    times: Sequence[float],
    segments: int = 8,
    length: int = 11,
    start_s: float | None = None,
    end_s: float | None = None,
    rng: np.random.Generator | None = None,
) -> list[tuple[int, ...]]:
    """Return K snippets of `length` consecutive frame numbers, one a segment.

    Each is centred on the frame nearest to its segment's middle; with `rng` (for training) on one
    at a random moment of the segment. A snippet may reach beyond its segment and beyond a range
    that was asked for, but not beyond the clip: there it moves inwards, and a clip of fewer frames
    repeats its first and last. MlError as `segment_bounds`, and for a length below 1.
    """
    if length < 1:
        raise MlError(f"A snippet needs at least one frame, not {length}.")
    bounds = segment_bounds(times, segments, start_s, end_s)
    known = np.asarray(times, dtype=np.float64)
    share = np.full(segments, 0.5) if rng is None else rng.random(segments)
    moments = bounds[:, 0] + share * (bounds[:, 1] - bounds[:, 0])
    return [_around(_nearest(known, moment), length, len(known)) for moment in moments]


def spread(segments: int, length: int) -> list[int]:
    """Which frames of every snippet the architectures see that take a whole clip at once.

    About 16 frames over all segments, evenly within each snippet: with 8 segments of 11 frames,
    the frames 2 and 8 of each. One of every snippet where there are more than 16 segments.
    """
    count = min(length, max(1, round(WHOLE_CLIP_FRAMES / segments)))
    return [int((i + 0.5) * length / count) for i in range(count)]


def _around(centre: int, length: int, count: int) -> tuple[int, ...]:
    first = centre - (length - 1) // 2
    if count >= length:
        first = min(max(first, 0), count - length)
    return tuple(min(max(first + i, 0), count - 1) for i in range(length))


def _nearest(times: Seconds, moment: float) -> int:
    after = int(np.searchsorted(times, moment))
    around = [i for i in (after - 1, after) if 0 <= i < len(times)]
    return min(around, key=lambda i: (abs(times[i] - moment), i))


def _seconds(wanted: float | None, used: float) -> str:
    return f"{used if wanted is None else wanted:.2f} s"
