"""Randomly damaged photos and clips of every kind are read, or rejected with a message."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.media.decoder.client import Decoder
from tests.support import photos
from tests.support.clip_files import EVEN, KINDS, make, uneven
from tests.support.mutations import check_medium, mutated

PHOTOS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


@pytest.fixture
def decoder(tmp_path: Path) -> Iterator[Decoder]:
    decoder = Decoder(Settings(home=tmp_path / "home", min_free_bytes=0))
    yield decoder
    decoder.close()


def try_all(decoder: Decoder, path: Path, wholes: list[bytes], seed: int, each: int) -> None:
    """Damage each file `each` times; undamaged, it must still be accepted."""
    dice = random.Random(seed)
    for whole in wholes:
        for _ in range(each):
            check_medium(decoder, path, mutated(whole, dice))
        assert check_medium(decoder, path, whole)


def test_photos(rounds: Iterator[int], decoder: Decoder, tmp_path: Path) -> None:
    wholes = [photos.encode(photos.scene(), kind) for kind in PHOTOS]
    wholes += [photos.animation("WEBP"), photos.rotated_by_exif(6), photos.palette_with_alpha()]
    for seed in rounds:
        try_all(decoder, tmp_path / "photo", wholes, seed, each=60)


def test_clips(rounds: Iterator[int], decoder: Decoder, tmp_path: Path) -> None:
    wholes = []
    for name, kind in KINDS.items():
        times = list(range(12)) if name in EVEN else uneven(12, kind.unit)
        wholes.append(make(tmp_path, kind, times).read_bytes())
    for seed in rounds:
        try_all(decoder, tmp_path / "clip", wholes, seed, each=10)
