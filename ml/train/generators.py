"""Generators that yield progress and return a result."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

T = TypeVar("T")
Progress = TypeVar("Progress")


def reported(
    work: Generator[float, None, T], report: Callable[[float], Progress]
) -> Generator[Progress, None, T]:
    """Yield `report(done)` for each share done that `work` yields; return what it returns."""
    while True:
        try:
            done = next(work)
        except StopIteration as ended:
            result: T = ended.value
            return result
        yield report(done)


def result_of(work: Generator[Any, None, T]) -> T:
    """Run a generator to its end, and return what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as ended:
            result: T = ended.value
            return result
