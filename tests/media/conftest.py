"""Decoders with processes of their own, and a place for files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.media.decoder.client import Decoder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", min_free_bytes=0)


@pytest.fixture(scope="session")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    """A decoder for many files; its processes are replaced where a test kills them."""
    decoder = Decoder(Settings(home=tmp_path_factory.mktemp("home"), min_free_bytes=0))
    yield decoder
    decoder.close()


@pytest.fixture
def new_decoder(settings: Settings) -> Iterator[Decoder]:
    """One that has not been asked for anything yet."""
    decoder = Decoder(settings)
    yield decoder
    decoder.close()


@pytest.fixture
def save(tmp_path: Path) -> Callable[[bytes], Path]:
    """Write bytes to a file and return its path."""

    def write(data: bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(data)
        return path

    return write
