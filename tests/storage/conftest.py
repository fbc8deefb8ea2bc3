"""A disk that is full after a megabyte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.small_disks import small_disk


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte of its own."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        yield disk
