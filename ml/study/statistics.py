"""Means over seeds, and tests and intervals over photos, with numpy alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

K = TypeVar("K")
Array = npt.NDArray[Any]
RESAMPLES = 2000
NORMAL_95 = 1.959964


def mean_sd(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean and the sample's standard deviation (n - 1); None for a single value."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


def sign_flip_test(a: Array, b: Array) -> float:
    """Return how likely as large a difference is if networks A and B are equally good, 0..1.

    A paired permutation test over photos, two-sided: if it makes no difference which network is
    asked, each photo's difference might as well have had the other sign. All 2^N flips are
    counted, by adding up binomial distributions, instead of drawing some. With one seed it is
    McNemar's exact test. It asks of other photos, not of other seeds.

    Args:
        a: Whether A was right, for each of its seeds and each photo, (S, N).
        b: The same of B, (S', N).

    Raises:
        ValueError: They are not of the same photos.
    """
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"{a.shape[1]} photos cannot be paired with {b.shape[1]}.")
    common = math.lcm(len(a), len(b))  # whole numbers: differences of means, times this
    differences = a.sum(0).astype(int) * (common // len(a)) - b.sum(0).astype(int) * (
        common // len(b)
    )
    sums = np.ones(1)
    reach = 0  # sums[reach + s] is how likely a sum of s is
    for size, count in zip(*np.unique(np.abs(differences), return_counts=True), strict=True):
        if size:
            steps = np.zeros(2 * size * count + 1)
            steps[:: 2 * size] = _coin(int(count))
            sums, reach = np.convolve(sums, steps), reach + int(size * count)
    far = np.abs(np.arange(-reach, reach + 1)) >= abs(differences.sum())
    return min(1.0, float(sums[far].sum()))


def _coin(count: int) -> Array:
    """Return the binomial distribution of `count` fair coins, (count + 1,)."""
    logs = np.array([0.0, *np.cumsum(np.log(np.arange(1, count + 1)))])  # of factorials
    probabilities: Array = np.exp(logs[-1] - logs - logs[::-1] - count * math.log(2))
    return probabilities


def holm(p_values: Mapping[K, float]) -> dict[K, float]:
    """Return p-values adjusted for being several (Holm 1979): names stay, values rise."""
    ordered = sorted(p_values, key=lambda name: p_values[name])
    adjusted: dict[K, float] = {}
    largest = 0.0
    for number, name in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - number) * p_values[name]))
        adjusted[name] = largest
    return adjusted


def wilson(hits: float, count: int, z: float = NORMAL_95) -> tuple[float, float]:
    """Return an interval for a share (Wilson 1927), 95 % by default.

    Args:
        hits: How many of `count`.
        count: At least one.
        z: Normal quantile.
    """
    share, more = hits / count, z * z / count
    middle = (share + more / 2) / (1 + more)
    half = z * math.sqrt(share * (1 - share) / count + more / (4 * count)) / (1 + more)
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap(values: Array, seed: int = 0, resamples: int = RESAMPLES) -> tuple[float, float]:
    """Return a 95 % interval of the mean of values (S, N), drawing seeds and photos again.

    Percentiles of the means of resamples; a network and a photo are drawn independently, so that
    both kinds of chance are in it. With one seed, it is over photos alone.

    Args:
        values: Of each seed and photo; for a comparison, paired differences.
        seed: Of the draws.
        resamples: How many.
    """
    seeds, photos = values.shape
    of_seeds, of_photos = _draws(seeds, seed + 1, resamples), _draws(photos, seed, resamples)
    means = (of_seeds * (of_photos @ values.T.astype(np.float32))).sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


@lru_cache(maxsize=16)
def _draws(count: int, seed: int, resamples: int) -> Array:
    """Return how often each of `count` is drawn in each resample, as shares: float32 (R, count)."""
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples)
    shares: Array = (draws / count).astype(np.float32)
    return shares
