"""Randomly damaged archives of every kind are imported, or rejected with a message."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.datasets.conftest import Bring, bring, settings
from tests.datasets.test_archives import PACKERS
from tests.support.archives import split
from tests.support.mutations import check_archive, mutated

__all__ = ["bring", "settings"]


def test_an_archive_is_imported_or_rejected(rounds: Iterator[int], bring: Bring) -> None:
    wholes = [pack(split("cat", "dog", train=3, val=2)) for pack in PACKERS.values()]
    for seed in rounds:
        dice = random.Random(seed)
        for whole in wholes:
            for _ in range(10):
                check_archive(bring, mutated(whole, dice))
            assert check_archive(bring, whole)
