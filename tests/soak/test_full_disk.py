"""Imports to small disks of random sizes: each succeeds, or reports that the disk is full."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from tests.support.dataset_imports import check_full_disk
from tests.support.small_disks import small_disk


def test_an_import_to_a_small_disk(rounds: Iterator[int], tmp_path: Path) -> None:
    for seed in rounds:
        dice = random.Random(seed)
        for number in range(8):
            home = tmp_path / f"{seed}-{number}"
            with small_disk(
                tmp_path / f"disk-{seed}-{number}", f"{dice.randint(220, 700)}k"
            ) as disk:
                check_full_disk(home, disk, count=dice.randint(40, 75))
