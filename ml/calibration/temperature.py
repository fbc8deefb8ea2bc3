"""Temperature scaling, and how well probabilities agree with how often they are right.

One number divides all logits: accuracy stays, confidence becomes honest (Guo et al. 2017,
arXiv:1706.04599, sections 2 and 4.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

LOWEST, HIGHEST = 1e-2, 1e2  # of a temperature or a scale
HALVINGS = 60
BINS = 15  # as Guo et al. have it


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature with the least mean cross-entropy, labels smoothed by 1 / (N + 2).

    Without the smoothing (Platt 1999, section 2.2) a few images that are all right would make a
    network infinitely sure; with many it makes no difference.

    Args:
        logits: (N, K), of images that the network was not trained on.
        labels: (N,), their classes.

    Returns:
        A number from 0.01 to 100.

    Raises:
        ValueError: There are no images.
    """
    if not len(labels):
        raise ValueError("A temperature needs at least one labelled image.")
    scores = logits.double()
    smoothing = 1 / (len(labels) + 2)
    true = scores.gather(1, labels[:, None])[:, 0].lerp(scores.mean(1), smoothing)

    def slope(inverse: float) -> float:  # of the loss, which is convex in 1 / temperature
        expected = ((scores * inverse).softmax(1) * scores).sum(1)
        return float((expected - true).mean())

    return 1 / root(slope, 1 / HIGHEST, 1 / LOWEST)


def expected_calibration_error(logits: Tensor, labels: Tensor, bins: int = BINS) -> float:
    """Return the mean distance of confidence and accuracy, over equal bins of confidence.

    Args:
        logits: (N, K).
        labels: (N,).
        bins: How many bins 0..1 is cut into; each weighs as many images as it holds.
    """
    confidence, predicted = logits.double().softmax(1).max(1)
    gap = confidence - (predicted == labels).double()
    place = (confidence * bins).long().clamp(max=bins - 1)
    sums = torch.zeros(bins, dtype=torch.float64).index_add(0, place, gap)
    return float(sums.abs().sum() / len(labels))


def cross_calibrated(logits: Tensor, labels: Tensor, seed: int = 0) -> Tensor:
    """Return logits (N, K), each half divided by the temperature of the other half.

    So the error after scaling is measured on images that the temperature was not fitted to.
    """
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    scaled = torch.empty_like(logits, dtype=torch.float64)
    halves = order.tensor_split(2)
    for mine, other in (halves, halves[::-1]):
        scaled[mine] = logits[mine].double() / fit_temperature(logits[other], labels[other])
    return scaled


def root(increasing: Callable[[float], float], low: float, high: float) -> float:
    """Return where an increasing function is 0, by bisection on a log scale; else the nearer end.

    Args:
        increasing: A function of a positive number.
        low: The lower end, above 0.
        high: The upper end.
    """
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if increasing(middle) > 0 else (middle, high)
    return math.sqrt(low * high)
