"""A disk that is full after a megabyte."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import leave_out


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=1m", "tiny"]
    try:
        done = subprocess.run(["mount", *options, folder], capture_output=True, check=False)
    except FileNotFoundError:
        done = None
    if done is None or done.returncode != 0:
        leave_out("the right to mount a small disk", service=False)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
