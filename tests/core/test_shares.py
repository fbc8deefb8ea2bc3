"""Shares in words: counts and intervals where few were judged."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.shares import completed, share_words, wilson
from ml.train.tasks.clips.evaluate import wilson as measured


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [  # Newcombe 1998, table I: Wilson's score interval without continuity correction
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_of_the_literature(
    right: int, count: int, low: float, high: float
) -> None:
    assert wilson(right, count) == pytest.approx((low, high), abs=6e-5)


def test_cards_of_clips_have_the_same_intervals() -> None:
    for right, count in ((0, 1), (7, 7), (49, 64), (539, 600)):
        assert wilson(right, count) == pytest.approx(measured(right, count), abs=1e-6)


@pytest.mark.parametrize(
    ("share", "count", "words"),
    [
        (0.9, 20, "18 of 20 (70 to 97 %)"),
        (1.0, 3, "3 of 3 (44 to 100 %)"),
        (0.97472, 3791, "97.47 %"),
        (0.5, None, "50.00 %"),
    ],
)
def test_few_are_counted(share: float, count: int | None, words: str) -> None:
    assert share_words(share, count) == words


def test_metrics_get_the_interval_that_they_lack() -> None:
    metrics: dict[str, Any] = {"accuracy": 0.9, "images": 20}
    assert completed(metrics) == {**metrics, "interval": [0.699, 0.9721]}
    own = {**metrics, "interval": [0.1, 0.2]}
    assert completed(own) == own
    assert completed({"loss": 1.0}) == {"loss": 1.0}
