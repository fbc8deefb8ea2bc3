"""Shares in words: counts where few were judged, because a percentage would promise too much."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

FEW = 1000  # below, a share is told as counts; static/js/lib/shares.js has the same
Z95 = 1.959964  # two-sided 95 % quantile of the normal distribution


def wilson(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927), within 0..1, which holds for few too."""
    share, z2 = right / count, Z95 * Z95
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z95 / (1 + z2 / count) * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def share_words(share: float, count: int | None, *, interval: bool = True) -> str:
    """Return `18 of 20 (70 to 97 %)` where few were judged, `97.47 %` else; share: 0..1."""
    if not count or count >= FEW:
        return f"{100 * share:.2f} %"
    right = round(share * count)
    low, high = wilson(right, count)
    return f"{right} of {count}" + (f" ({100 * low:.0f} to {100 * high:.0f} %)" if interval else "")


def judged(metrics: Mapping[str, Any]) -> int | None:
    """Return on how many photos or clips a card's metrics were measured; None if unknown."""
    return metrics.get("images") or metrics.get("clips")


def completed(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card's metrics with the accuracy's `interval`, which earlier cards lack."""
    count, accuracy = judged(metrics), metrics.get("accuracy")
    if not count or accuracy is None or "interval" in metrics:
        return dict(metrics)
    ends = wilson(round(accuracy * count), count)
    return {**metrics, "interval": [round(end, 4) for end in ends]}
