"""A training command that is killed five times has the results of an uninterrupted one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.support import killed_training as kills


def test_five_times_killed_is_bit_for_bit_undisturbed(
    tmp_path: Path, rounds: Iterator[int]
) -> None:
    for seed in rounds:
        kills.check(tmp_path / str(seed), kills=5, epochs=8, seed=seed)
