"""Paired timings: A and B take turns, so that other load on the machine affects both."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from bench.report import milliseconds

Work = Callable[[], object]


@dataclass(frozen=True)
class Pair:
    """Seconds of A (ours) and B (what it is compared with), round by round."""

    a: list[float]
    b: list[float]

    @property
    def ratio(self) -> float:
        """Median of A over median of B."""
        return median(self.a) / median(self.b)

    def factor(self) -> str:
        """Return the ratio with the quartiles of the rounds' ratios: `1.23 x (1.20 to 1.26)`."""
        ratios = [a / b for a, b in zip(self.a, self.b, strict=True)]
        low, _, high = quantiles(ratios, n=4)
        return f"{self.ratio:.2f} x ({low:.2f} to {high:.2f})"

    def __str__(self) -> str:
        """Return `1.23 x (1.20 to 1.26): 12.3 ms against 10.0 ms`."""
        a, b = (milliseconds(median(times)) for times in (self.a, self.b))
        return f"{self.factor()}: {a} against {b}"


def seconds(work: Work) -> float:
    """Time one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternate(works: Sequence[Work], rounds: int, warmup: int = 2) -> list[list[float]]:
    """Time the functions in turn, every second round in reverse; return a list for each."""
    times: list[list[float]] = [[] for _ in works]
    order = list(range(len(works)))
    gc.collect()
    gc.disable()
    try:
        for number in range(warmup + rounds):
            for index in order if number % 2 else reversed(order):
                spent = seconds(works[index])
                if number >= warmup:
                    times[index].append(spent)
    finally:
        gc.enable()
    return times


def pair(a: Work, b: Work, rounds: int, warmup: int = 2) -> Pair:
    """Time A and B in turn."""
    return Pair(*alternate([a, b], rounds, warmup))
